"""Which pages may stand in a frame of which sites: those of a launched teacher, in the platforms of their organization.
Everything else stays forbidden (`X-Frame-Options: DENY`, `frame-ancestors 'none'`)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from django.http.response import HttpResponseBase

from rollbook.errors import ConfigError
from rollbook.store.models import LaunchPlatform, Organization

_PORTS: Final = {"https": 443, "http": 80}
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-:[]")


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, as a Content-Security-Policy names a site. Raises ConfigError for what is
    none; without TLS only this machine is one."""
    try:
        parts = urlsplit(address.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in _PORTS or not host or not set(host) <= _LETTERS or parts.username is not None:
        raise ConfigError("an address of the LMS must look like https://lms.district.example")
    if parts.scheme == "http" and host not in _HERE:
        raise ConfigError("an address of the LMS must begin with https://")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _PORTS[parts.scheme]) else "")


def origins_of(organization: Organization) -> list[str]:
    """The sites of all platforms that may launch into an organization."""
    every = LaunchPlatform.objects.filter(organization=organization).values_list("origins", flat=True)
    return sorted({one for origins in every for one in origins})


def allow_frames(answer: HttpResponseBase, origins: list[str]) -> HttpResponseBase:
    """This answer may be shown in a frame of these sites, and of no others. Without any, nothing changes."""
    if origins:
        vars(answer)["_csp_replace"] = {"frame-ancestors": origins}  # django-csp's decorators write the same
        vars(answer)["xframe_options_exempt"] = True  # the older header cannot name a site
        answer.headers.pop("X-Frame-Options", None)
    return answer
