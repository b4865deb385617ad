"""Who we are: OAuth 1.0a signatures, with or without a token, and OAuth 2 client credentials. Never logs or shows a
secret."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

from authlib.oauth1.rfc5849.client_auth import ClientAuth  # type: ignore[import-untyped] # no stubs
from authlib.oauth1.rfc5849.parameters import prepare_headers  # type: ignore[import-untyped] # no stubs
from authlib.oauth1.rfc5849.signature import generate_signature_base_string  # type: ignore[import-untyped] # no stubs
from authlib.oauth1.rfc5849.util import escape  # type: ignore[import-untyped] # no stubs

from rollbook.connectors.kit.answers import Answer
from rollbook.connectors.kit.http import Client, Outgoing, Pairs
from rollbook.connectors.kit.retry import SAFE
from rollbook.errors import AuthFailed, BadResponse, ConfigError

SignatureMethod = Literal["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"]
TokenStyle = Literal["basic", "body", "query"]

#: Error words of RFC 6749 5.2; anything else the server says stays out of messages.
_WORDS: Final = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
#: What an access token may look like (RFC 6750 2.1, and a little more).
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")
#: A token is renewed this long before it ends, or after nine tenths of a short life.
_EARLY: Final = 60.0


def _sign_sha256(client: Any, request: Any) -> str:
    key = f"{escape(client.client_secret or '')}&{escape(client.token_secret or '')}".encode()
    base = generate_signature_base_string(request).encode()
    return base64.b64encode(hmac.digest(key, base, "sha256")).decode()


ClientAuth.register_signature_method("HMAC-SHA256", _sign_sha256)


class OAuth1:
    """OAuth 1.0a (RFC 5849): each call is signed with key and secret; `token` is a token with its secret where a call
    is made for somebody (three-legged), None where it is ours (two-legged).

    Timestamps never go back and nonces never repeat, whatever the threads and the wall clock do.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        method: SignatureMethod = "HMAC-SHA1",
        realm: str | None = None,
        token: tuple[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        own, its_secret = token or (None, None)
        self._signer = ClientAuth(key, secret, token=own, token_secret=its_secret, signature_method=method)
        self._realm, self._clock = realm, clock
        self._lock = threading.Lock()
        self._last = 0

    def __repr__(self) -> str:
        return f"OAuth1(method={self._signer.signature_method!r})"

    def authorize(self, outgoing: Outgoing) -> Mapping[str, str]:
        """The Authorization header for exactly this request."""
        params = self._signer.get_oauth_params(secrets.token_hex(16), str(self._timestamp()))
        body = outgoing.body.decode() if outgoing.form else ""
        form = {"Content-Type": "application/x-www-form-urlencoded"} if outgoing.form else {}
        unsigned = prepare_headers(params, dict(form), realm=self._realm)
        signature = self._signer.get_oauth_signature(outgoing.method, outgoing.url, unsigned, body)
        signed = prepare_headers([*params, ("oauth_signature", signature)], {}, realm=self._realm)
        return {"authorization": str(signed["Authorization"])}

    def renew(self, used: Mapping[str, str]) -> bool:
        """A signature is used once; a fresh one is worth a try, for servers lose clocks and nonces in passing."""
        return True

    def _timestamp(self) -> int:
        with self._lock:
            self._last = max(self._last, int(self._clock()))
            return self._last


class ClientCredentials:
    """OAuth 2 client credentials (RFC 6749 4.4) with a bearer token that is fetched when needed, renewed
    before it ends and once after a 401. `granted` is the scope list of the last token, None when the server
    did not say."""

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        client: Client,
        style: TokenStyle = "basic",
        scope: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`client` talks to the token endpoint (its base URL); it must have no auth of its own."""
        self._key, self._secret, self._client = key, secret, client
        self._style, self._scope, self._clock = style, scope, clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = float("inf")
        self.granted: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return f"ClientCredentials(style={self._style!r})"

    def authorize(self, outgoing: Outgoing) -> Mapping[str, str]:
        """The bearer header; fetches a token first when there is none. Raises what a call raises, AuthFailed
        above all."""
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._fetch()
            return _bearer(self._token)

    def renew(self, used: Mapping[str, str]) -> bool:
        """Forget the refused token, unless another thread already fetched a newer one."""
        with self._lock:
            if used == _bearer(self._token):
                self._token = ""
        return True

    def close(self) -> None:
        self._client.close()

    def _fetch(self) -> None:
        asked: list[tuple[str, str]] = [("grant_type", "client_credentials")]
        if self._scope:
            asked.append(("scope", self._scope))
        query: Pairs = ()
        headers: dict[str, str] = {}
        if self._style == "basic":
            pair = f"{quote(self._key, safe='')}:{quote(self._secret, safe='')}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            asked += [("client_id", self._key), ("client_secret", self._secret)]
        if self._style == "query":
            query, asked = asked, []
        answer = self._client.request(
            "POST", "", query=query, form=asked, headers=headers, what="an access token", retry=SAFE,
            returns=(400, 401, 403),
        )  # fmt: skip
        self._keep(answer)

    def _keep(self, answer: Answer) -> None:
        if not answer.ok:
            raise _refusal(answer)
        found = answer.json()
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise answer.bad("no usable access token")
        kind = found.get("token_type", "bearer")
        if not isinstance(kind, str) or kind.lower() not in ("bearer", "bearertoken"):
            raise answer.bad("a token that is not a bearer token")
        self._token, self.granted = token, _scopes(found.get("scope"))
        life = _seconds(found.get("expires_in"))
        self._renew_at = self._clock() + max(life - _EARLY, life * 0.9) if life else float("inf")


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _refusal(answer: Answer) -> AuthFailed | ConfigError:
    try:
        found = answer.json()
    except BadResponse:
        found = None
    word = str(found.get("error", "")) if isinstance(found, dict) else ""
    known = f", {word}" if word in _WORDS else ""
    if word == "invalid_scope":
        return ConfigError(f"{answer.who} does not grant these scopes ({answer.status}{known}); change the scopes")
    return AuthFailed(f"{answer.who} refused key or secret ({answer.status}{known}); renew them")


def _scopes(found: object) -> tuple[str, ...] | None:
    if isinstance(found, str):
        return tuple(found.split())
    return tuple(str(item) for item in found) if isinstance(found, list) else None


def _seconds(found: object) -> float:
    """Life of a token in seconds; 0 when the server does not say, so that only a 401 ends it."""
    try:
        life = float(str(found)) if isinstance(found, int | float | str) else 0.0
    except ValueError:
        return 0.0
    return life if 0 < life < 1e9 else 0.0
