"""Calls to the Schoology REST API v1: whole lists, single objects, writes. The one DELETE it can send deactivates
accounts, keeps all that belongs to them, and mails nobody."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, Self

from rollbook.connectors.base import Context
from rollbook.connectors.gradebook import UserToken
from rollbook.connectors.kit import Answer, Client, CreditLimiter, OAuth1
from rollbook.connectors.schoology.lenient import Json, mapping
from rollbook.connectors.schoology.options import SchoologyOptions
from rollbook.connectors.schoology.sweep import Listing, Sweep
from rollbook.errors import BadResponse

#: Whole-call refusals that say something about what was sent, not about the connection (REST API v1,
#: statuses).
REFUSALS: Final = (400, 404, 409, 413, 415, 422)
_SWEEPS = 3
#: Without the first, grades and attendance are destroyed for good; without the second, people are mailed (Users).
_GENTLY: Final = (("option_keep_enrollments", "1"), ("email_notification", "0"))

Query = Mapping[str, str]


class SchoologyClient:
    """One organization's API, for several threads. Raises AuthFailed, Unavailable, Throttled, BadResponse."""

    def __init__(self, options: SchoologyOptions, context: Context) -> None:
        self._options = options
        costs = {"GET": options.read_cost} | dict.fromkeys(("POST", "PUT", "DELETE"), options.write_cost)
        self._page_size = options.page_size
        self._http = Client(
            options.base_url,
            context,
            name="Schoology",
            auth=OAuth1(options.key, options.secret, method=options.signature, realm="Schoology API"),
            limiter=CreditLimiter(options.credits, options.window, costs=costs, other=options.read_cost),
            timeout=options.timeout,
            connections=options.parallel,
        )

    def close(self) -> None:
        self._http.close()

    def acting_as(self, token: UserToken) -> Self:
        """The same client, whose calls are made for the person of this token, with the rights that they have (REST API:
        Authentication). Closing either closes both."""
        twin = copy.copy(self)
        # A fresh signature is worth one try: a 401 is mostly about the token.
        twin._http = self._http.signed_by(app_auth(self._options, (token.token, token.secret)), renewals=1)
        return twin

    def check_app(self) -> None:
        """Is the app itself accepted that asks teachers, whatever becomes of a token? Asks for what it gets before
        anybody has agreed (REST API: Authentication). Raises AuthFailed where it is not."""
        self._http.signed_by(app_auth(self._options)).get("oauth/request_token", what="a request token of the app")

    def ask(self, path: str, what: str, *, query: Query | None = None) -> Answer:
        """A read, whatever its answer holds; redirects are followed with a fresh signature each."""
        return self._http.get(path, query=(query or {}).items(), what=what)

    def find(self, path: str, what: str) -> Json | None:
        """One object, or None where the LMS says 404."""
        answer = self._http.get(path, what=what, returns=(404,))
        return None if answer.status == 404 else mapping(answer.json())

    def write(
        self, method: Literal["POST", "PUT"], path: str, body: Json, what: str, *, query: Query | None = None
    ) -> Answer:
        """A write, sent once: refusals of the whole call come back, a lost answer raises LostAnswer."""
        pairs = (query or {}).items()
        return self._http.request(method, path, query=pairs, json=body, what=what, returns=REFUSALS)

    def deactivate(self, ids: Sequence[str]) -> Answer:
        """Make accounts inactive. Sent once, as `write`."""
        query = (("uids", ",".join(ids)), *_GENTLY)
        return self._http.request("DELETE", "users", query=query, what="deactivating users", returns=REFUSALS)

    def revive(self, ids: Sequence[str]) -> Answer:
        """Make inactive accounts active again, with the enrollments they had. Sent once, as `write`."""
        body = {"user": [{"uid": each, "option_reenroll": "1"} for each in ids]}
        return self.write("PUT", "users/reactivate", body, "reviving users")

    def whole(
        self, path: str, listing: str | Listing, what: str, *, query: Query | None = None, may_be_gone: bool = False
    ) -> Iterator[Json]:
        """Every object of a collection, page by page; with `may_be_gone`, none where its owner is gone (404).
        `listing` is the key of its list, or more about it.

        Offset paging skips or repeats records when the collection changes underway. That shows in totals and
        repeats; the list is then swept again for what is new. Raises BadResponse when it never adds up: a
        part is not the whole.
        """
        asked = Listing(path=(listing,)) if isinstance(listing, str) else listing
        seen: set[str] = set()
        for _ in range(_SWEEPS):
            sweep = Sweep(asked, self._page_size)
            while not sweep.finished:
                page = {**(query or {}), "start": str(sweep.start), "limit": str(self._page_size)}
                returns = (404,) if may_be_gone and not seen else ()
                answer = self._http.get(path, query=page.items(), what=what, returns=returns)
                if answer.status == 404:
                    return
                body = answer.json()
                rows = sweep.rows(body)
                if rows is None:
                    raise answer.bad(f"no list {asked.path[-1]!r}")
                for row in sweep.add(body, rows):
                    name = asked.name(row)
                    if name not in seen:
                        seen.add(name)
                        yield row
            if sweep.steady:
                return
        raise BadResponse(f"Schoology never sent a whole list (asked for: {what}); nothing is concluded from a part")


def app_auth(options: SchoologyOptions, token: tuple[str, str] | None = None) -> OAuth1:
    """Signs as the app that asks teachers: with its own key, or the connection's where it has none."""
    key, secret = (options.app_key, options.app_secret) if options.app_key else (options.key, options.secret)
    return OAuth1(key, secret, method=options.signature, realm="Schoology API", token=token)
