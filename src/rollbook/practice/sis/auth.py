"""Who may call: OAuth 2 client credentials, and for 1.1 OAuth 1.0a signatures checked here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus

from starlette.requests import Request

from rollbook.practice.sis.answers import Refused
from rollbook.practice.sis.store import Clock

SCOPES: dict[str, tuple[str, ...]] = {
    "1.1": ("roster-core.readonly", "roster.readonly", "roster-demographics.readonly", "resource.readonly",
            "gradebook.readonly", "gradebook.createput", "gradebook.delete"),
    "1.2": ("roster-core.readonly", "roster.readonly", "roster-demographics.readonly", "resource.readonly",
            "resource-core.readonly", "gradebook.readonly", "gradebook-core.readonly", "gradebook.createput",
            "gradebook.createpost", "gradebook.delete", "assessment.readonly", "assessment.createput",
            "assessment.delete"),
}  # fmt: skip
PREFIX = {
    "1.1": "https://purl.imsglobal.org/spec/or/v1p1/scope/",
    "1.2": "https://purl.imsglobal.org/spec/or/v1p2/scope/",
}
_METHODS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
_SKEW_SECONDS = 300


class TokenRefused(Exception):
    """The token endpoint says no; `error` is a code of RFC 6749."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


@dataclass
class Token:
    scopes: frozenset[str]
    expires: float
    uses: int = 0


@dataclass
class Auth:
    """Checks callers. `expires_in` is the life of a token in seconds."""

    version: str
    key: str
    secret: str
    clock: Clock
    expires_in: int = 3600
    tokens: dict[str, Token] = field(default_factory=dict)
    nonces: dict[tuple[str, str], float] = field(default_factory=dict)

    def grant(self, headers: Mapping[str, str], body: bytes, query: str, struck: Mapping[str, Any]) -> Any:
        """The token answer. Client id and secret come by Basic header, form body, or query."""
        form, asked = dict(parse_qsl(body.decode("utf-8", "replace"))), dict(parse_qsl(query))
        style, key, secret = _credentials(headers, form, asked)
        for name in ("basic", "body", "query"):
            if f"token_{name}_only" in struck and style != name:
                raise TokenRefused(401, "invalid_client")
        if not _same(key, self.key) or not _same(secret, self.secret):
            raise TokenRefused(401, "invalid_client")
        if {**asked, **form}.get("grant_type") != "client_credentials":
            raise TokenRefused(400, "unsupported_grant_type")
        scopes = self._granted({**asked, **form}.get("scope", ""), struck)
        life = struck.get("short_token", {}).get("seconds", self.expires_in)
        token = secrets.token_urlsafe(24)
        self.tokens[token] = Token(frozenset(scopes), self.clock().timestamp() + life)
        return {
            "access_token": token, "token_type": "bearer", "expires_in": int(life),
            "scope": " ".join(PREFIX[self.version] + name for name in scopes),
        }  # fmt: skip

    def _granted(self, asked: str, struck: Mapping[str, Any]) -> list[str]:
        known, prefix = SCOPES[self.version], PREFIX[self.version]
        wanted = [name.removeprefix(prefix) for name in asked.split()]
        found = [name for name in known if name in wanted or not wanted]
        if "scope_refused" in struck or not found or (not wanted and "scope_required" in struck):
            raise TokenRefused(400, "invalid_scope")
        core_only = "scope_core_only" in struck
        return [name for name in found if name == "roster-core.readonly" or not core_only]

    def check(self, request: Request, struck: Mapping[str, Any]) -> Token:
        """The caller's token; an OAuth 1 caller may do everything. Raises Refused (401)."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._bearer(rest.strip(), struck)
        if self.version == "1.1" and (scheme.lower() == "oauth" or "oauth_signature" in request.query_params):
            self._signed(request, rest if scheme.lower() == "oauth" else "", struck)
            return Token(frozenset(SCOPES["1.1"]), 0)
        raise _unauthorised("no credentials this version accepts")

    def _bearer(self, text: str, struck: Mapping[str, Any]) -> Token:
        token = self.tokens.get(text)
        if token is None or token.expires <= self.clock().timestamp():
            raise _unauthorised("unknown or expired token")
        dying = struck.get("expire_token")
        if dying is not None and token.uses >= dying["uses"]:
            del self.tokens[text]
            raise _unauthorised("expired token")
        token.uses += 1
        return token

    def _signed(self, request: Request, header: str, struck: Mapping[str, Any]) -> None:
        """RFC 5849, zero-legged: the key signs alone, without a token."""
        given = parse_qsl(request.url.query, keep_blank_values=True)
        pairs = [_header_pair(part) for part in header.split(",") if "=" in part]
        params = [pair for pair in (*given, *pairs) if pair[0] not in ("realm", "oauth_signature")]
        oauth = {name: value for name, value in (*given, *pairs) if name.startswith("oauth_")}
        method = oauth.get("oauth_signature_method", "")
        only = {"HMAC-SHA1": "sha256_only", "HMAC-SHA256": "sha1_only"}.get(method, "")
        if method not in _METHODS or only in struck:
            raise _unauthorised("signature method not accepted")
        if not _same(oauth.get("oauth_consumer_key", ""), self.key):
            raise _unauthorised("unknown consumer key")
        raw = request.scope["raw_path"].decode("ascii")
        address = f"{request.url.scheme}://{_host(request)}{raw}"
        expected = signature(method, request.method, address, params, self.secret)
        if not _same(oauth.get("oauth_signature", ""), expected):
            raise _unauthorised("wrong signature")
        self._fresh(oauth.get("oauth_timestamp", ""), oauth.get("oauth_nonce", ""))

    def _fresh(self, moment: str, nonce: str) -> None:
        now = self.clock().timestamp()
        if not moment.isdigit() or abs(now - int(moment)) > _SKEW_SECONDS:
            raise _unauthorised("timestamp more than five minutes away")
        if len(self.nonces) > 20_000:
            self.nonces = {key: at for key, at in self.nonces.items() if now - at <= 2 * _SKEW_SECONDS}
        if not nonce or (moment, nonce) in self.nonces:
            raise _unauthorised("nonce used before")
        self.nonces[moment, nonce] = now


def signature(method: str, verb: str, address: str, params: list[tuple[str, str]], secret: str) -> str:
    """The OAuth 1.0a signature (RFC 5849 section 3.4) of a request without a token."""
    encoded = sorted((_escape(name), _escape(value)) for name, value in params)
    query = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join((verb.upper(), _escape(address), _escape(query)))
    digest = hmac.new(f"{_escape(secret)}&".encode(), base.encode(), _METHODS[method]).digest()
    return base64.b64encode(digest).decode()


def _escape(text: str) -> str:
    return quote(text, safe="-._~")


def _header_pair(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return unquote(name), unquote(value.strip().strip('"'))


def _host(request: Request) -> str:
    host = request.headers.get("host", "").lower()
    default = ":443" if request.url.scheme == "https" else ":80"
    return host.removesuffix(default)


def _credentials(headers: Mapping[str, str], form: Mapping[str, str], asked: Mapping[str, str]) -> tuple[str, str, str]:
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise TokenRefused(400, "invalid_request") from error
        return "basic", unquote_plus(key), unquote_plus(secret)
    style, source = ("body", form) if "client_id" in form else ("query", asked)
    return style, source.get("client_id", ""), source.get("client_secret", "")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _unauthorised(why: str) -> Refused:
    return Refused(401, "unauthorisedrequest", why, WWW_Authenticate='Bearer realm="practice"')
