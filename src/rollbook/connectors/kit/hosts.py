"""Which hosts Rollbook may talk to: https and public addresses unless private ones are allowed; never cloud
metadata."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from rollbook.errors import ConfigError

#: Instance metadata services with an address outside the link-local ranges.
_METADATA = frozenset({"fd00:ec2::254", "100.100.100.200", "168.63.129.16"})

#: Where networks without IPv4 put its addresses (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_url(url: str, *, allow_private_hosts: bool) -> None:
    """Refuse an address that Rollbook must not call, as far as its text tells; `check_address` judges what
    the name resolves to when the connection is made. Raises ConfigError, which never repeats more of the URL
    than its host."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("an address in the settings is not a valid URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError("an address in the settings must begin with https:// and name a host")
    if parts.username or parts.password:
        raise ConfigError(f"the address of {host} must not carry a user name or password; use key and secret")
    if parts.scheme == "http" and not allow_private_hosts:
        raise ConfigError(f"the address of {host} must use https (ROLLBOOK_ALLOW_PRIVATE_HOSTS=1 allows http)")
    literal = _literal(host)
    if literal is not None:
        check_address(host, allow_private_hosts=allow_private_hosts)
    elif host == "localhost" or host.endswith(".localhost"):
        _require(allow_private_hosts, host)


def check_address(address: str, *, allow_private_hosts: bool, host: str = "") -> None:
    """Judge the IP address a connection goes to. Link-local, metadata, multicast and unspecified ones are
    never allowed; loopback and private ones only with `allow_private_hosts`. Raises ConfigError."""
    found = _literal(address)
    if found is None:
        raise ConfigError(f"the address of {host or address} is not understood")
    if str(found) in _METADATA or found.is_link_local or found.is_multicast or found.is_unspecified:
        raise ConfigError(f"{host or address} is an address that is never called (link-local, metadata or multicast)")
    if not found.is_global:
        _require(allow_private_hosts, host or address)


def same_origin(one: str, other: str) -> bool:
    """Same scheme, host and port; a step up from http to https on the standard ports counts as the same."""
    first, second = urlsplit(one), urlsplit(other)
    if first.hostname != second.hostname:
        return False
    ends = [(part.scheme, part.port or {"http": 80, "https": 443}.get(part.scheme)) for part in (first, second)]
    return ends[0] == ends[1] or ends == [("http", 80), ("https", 443)]


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port; of what is no address, the text itself."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port
    except ValueError:
        return url, None, None


def _literal(host: str) -> Address | None:
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return _within(found) or found


def _within(address: Address) -> Address | None:
    """The IPv4 address to which an IPv6 one leads."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _require(allowed: bool, host: str) -> None:
    if not allowed:
        raise ConfigError(f"{host} is a private address; ROLLBOOK_ALLOW_PRIVATE_HOSTS=1 allows such addresses")
