"""Checks OAuth 1.0a as a provider, with tokens of people and without (RFC 5849; REST API: Authentication); never signs
anything."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

REPLAY = "Duplicate timestamp/nonce combination, possible replay attack.  Request rejected."
OUT_OF_SEQUENCE = "Timestamp is out of sequence. Request rejected."
_SKEW_SECONDS = 600


class Unsigned(Exception):
    """The request is not signed as it must be; the text is the body of the 401."""


@dataclass(frozen=True)
class Signed:
    """The parts of a request that its signature covers. `path` is as sent, still percent-encoded."""

    method: str
    scheme: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Signer:
    """Who signed: the consumer key, and the token that it signed for ("" for none)."""

    key: str
    token: str


class Verifier:
    """Knows its keys with their secrets, and the nonces they have used. `token_secret` tells the secret of a token that
    a key may use, None for another."""

    def __init__(
        self,
        secrets: Mapping[str, str],
        base_url: str | None = None,
        token_secret: Callable[[str, str], str | None] = lambda key, token: None,
    ) -> None:
        self._secrets = secrets
        self._token_secret = token_secret
        self._base_url = base_url
        self._nonces: dict[int, set[tuple[str, str]]] = {}
        self._newest = 0.0
        self.strict_order = False
        self.fractions = True

    def check(self, request: Signed) -> Signer:
        """Raises Unsigned."""
        given = _parameters(request.headers.get("authorization", ""))
        signer = Signer(given.get("oauth_consumer_key", ""), given.get("oauth_token", ""))
        if signer.key not in self._secrets:
            raise Unsigned("Unknown consumer key. Request rejected.")
        token_secret = self._token_secret(signer.key, signer.token) if signer.token else ""
        if token_secret is None:
            raise Unsigned("Unknown access token. Request rejected.")
        if given.get("oauth_version", "1.0") != "1.0":
            raise Unsigned("Unsupported OAuth version. Request rejected.")
        stamp = self._timestamp(given)
        minute = int(stamp) // 60
        used = (given["oauth_timestamp"], given.get("oauth_nonce", ""))
        if not used[1]:
            raise Unsigned("Missing nonce. Request rejected.")
        if used in self._nonces.get(minute, ()):
            raise Unsigned(REPLAY)
        if self.strict_order and stamp < self._newest:
            raise Unsigned(OUT_OF_SEQUENCE)
        if not self._signature_fits(request, given, self._secrets[signer.key], token_secret):
            raise Unsigned("Verification of signature failed. Request rejected.")
        self._newest = max(self._newest, stamp)
        self._nonces.setdefault(minute, set()).add(used)
        if len(self._nonces) > 2 * _SKEW_SECONDS // 60 + 5:
            del self._nonces[min(self._nonces)]
        return signer

    def _timestamp(self, given: Mapping[str, str]) -> float:
        try:
            text = given["oauth_timestamp"]
            stamp = float(text) if self.fractions else float(int(text))
        except (KeyError, ValueError):
            raise Unsigned("Missing or malformed timestamp. Request rejected.") from None
        if not abs(stamp - time.time()) <= _SKEW_SECONDS:
            raise Unsigned(OUT_OF_SEQUENCE)
        return stamp

    def _signature_fits(self, request: Signed, given: Mapping[str, str], own: str, of_token: str) -> bool:
        method = given.get("oauth_signature_method")
        signature = given.get("oauth_signature", "")
        if method == "PLAINTEXT":
            fits = {f"{_escape(own)}&{_escape(of_token)}", f"{own}&{of_token}", f"{own}%26{of_token}"}
            return any(hmac.compare_digest(signature.encode(), right.encode()) for right in fits)
        if method != "HMAC-SHA1":
            return False
        normal = _normal_parameters(request.query, given)
        secret = f"{_escape(own)}&{_escape(of_token)}".encode()
        for url in self._urls(request):
            base = "&".join((request.method, _escape(url), _escape(normal)))
            right = base64.b64encode(hmac.new(secret, base.encode(), hashlib.sha1).digest())
            if hmac.compare_digest(signature.encode(), right):
                return True
        return False

    def _urls(self, request: Signed) -> list[str]:
        """The URLs the client may have signed: by its own Host header, or by the configured address."""
        outer = request.headers.get("x-forwarded-proto", request.scheme)
        host = request.headers.get("host", "").lower()
        pairs = [(outer, host), (request.scheme, host)]
        if self._base_url:
            own = urlsplit(self._base_url)
            pairs.append((own.scheme, own.netloc.lower()))
        return list(dict.fromkeys(f"{scheme}://{_bare(scheme, at)}{request.path}" for scheme, at in pairs))


def _bare(scheme: str, host: str) -> str:
    """The host without the scheme's own port (RFC 5849, 3.4.1.2)."""
    return host.removesuffix(":443" if scheme == "https" else ":80")


def _escape(text: str) -> str:
    return quote(text, safe="~")


def _parameters(header: str) -> dict[str, str]:
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "oauth":
        raise Unsigned("Missing OAuth authorization header. Request rejected.")
    pairs = (part.strip().partition("=") for part in rest.split(","))
    return {unquote(name): unquote(value.strip().strip('"')) for name, _, value in pairs if name}


def _normal_parameters(query: str, given: Mapping[str, str]) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    pairs += [(name, value) for name, value in given.items() if name not in {"oauth_signature", "realm"}]
    escaped = sorted((_escape(name), _escape(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in escaped)
