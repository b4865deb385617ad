"""Asks a teacher of Schoology whether Rollbook may read gradebooks as they do: three-legged OAuth 1.0 (REST API:
Authentication, Three-Legged OAuth Flow). Keeps nothing, and shows no token in an error.

It is OAuth 1.0 without the verifier of 1.0a: whoever begins and whoever agrees are not proven to be the same. The
caller must see to that: by the session, and by who the LMS says gave the token.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from rollbook.connectors.base import Context
from rollbook.connectors.gradebook import Consent, RequestToken, UserToken
from rollbook.connectors.kit import Answer, Client, check_url, encode
from rollbook.connectors.schoology.client import app_auth
from rollbook.connectors.schoology.lenient import ident, mapping, optional
from rollbook.connectors.schoology.options import SchoologyOptions
from rollbook.errors import NotAllowed
from rollbook.roster.reasons import because

#: What a token or its secret may look like.
_USABLE: Final = re.compile(r"[\x21-\x7e]{1,512}")
#: Of a request that nobody approved, that is too old or was used: which of them, no source says.
_REFUSALS: Final = (400, 401, 403, 404)


class SchoologyConsent:
    """Asks with the key of the app, or the connection's where it has none. Raises what calls raise."""

    def __init__(self, options: SchoologyOptions, context: Context) -> None:
        """Raises ConfigError for an address that must not be called or opened; calls nothing yet."""
        check_url(options.site, allow_private_hosts=context.allow_private_hosts)
        self._options = options
        self._http = Client(
            options.base_url, context, name="Schoology", auth=app_auth(options), timeout=options.timeout, connections=1
        )

    def __repr__(self) -> str:
        return "SchoologyConsent()"

    def close(self) -> None:
        self._http.close()

    def begin(self, callback: str) -> tuple[RequestToken, str]:
        token, secret = _pair(self._http.get("oauth/request_token", what="a request token"))
        query = encode((("oauth_token", token), ("oauth_callback", callback)))
        return RequestToken(token=token, secret=secret), f"{self._options.site.rstrip('/')}/oauth/authorize?{query}"

    def finish(self, request: RequestToken) -> Consent:
        asking = self._http.signed_by(app_auth(self._options, (request.token, request.secret)))
        answer = asking.get("oauth/access_token", what="an access token", returns=_REFUSALS)
        if not answer.ok:
            raise NotAllowed(because("not_agreed"))
        token, secret = _pair(answer)
        told = self._http.signed_by(app_auth(self._options, (token, secret))).get("users/me", what="who agreed")
        person = mapping(told.json())
        own = ident(person.get("id")) or ident(person.get("uid"))
        if own is None:
            raise told.bad("no id of the person who agreed")
        return Consent(
            token=UserToken(account=own, token=token, secret=secret), unique_id=optional(person.get("school_uid"))
        )


def _pair(answer: Answer) -> tuple[str, str]:
    """Token and secret of an answer in the form of a query. Raises BadResponse."""
    found = dict(parse_qsl(answer.body[:4096].decode("utf-8", "replace")))
    token, secret = found.get("oauth_token", ""), found.get("oauth_token_secret", "")
    if not (_USABLE.fullmatch(token) and _USABLE.fullmatch(secret)):
        raise answer.bad("no token with its secret")
    return token, secret
