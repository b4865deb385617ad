"""Calls to the Schoology REST API v1: whole lists, single objects, writes. The one DELETE it can send deactivates
accounts, keeps all that belongs to them, and mails nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from rollbook.connectors.base import Context
from rollbook.connectors.kit import Answer, Client, CreditLimiter, OAuth1
from rollbook.connectors.schoology.lenient import Json, ident, items, mapping, number, optional
from rollbook.connectors.schoology.options import SchoologyOptions
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
        self, path: str, key: str, what: str, *, query: Query | None = None, may_be_gone: bool = False
    ) -> Iterator[Json]:
        """Every object of a collection, page by page; with `may_be_gone`, none where its owner is gone (404).

        Offset paging skips or repeats records when the collection changes underway. That shows in totals and
        repeats; the list is then swept again for what is new. Raises BadResponse when it never adds up: a
        part is not the whole.
        """
        seen: set[str] = set()
        for _ in range(_SWEEPS):
            sweep = _Sweep()
            while not sweep.finished:
                page = {**(query or {}), "start": str(sweep.received), "limit": str(self._page_size)}
                returns = (404,) if may_be_gone and not seen else ()
                answer = self._http.get(path, query=page.items(), what=what, returns=returns)
                if answer.status == 404:
                    return
                body = answer.json()
                rows = items(body, key)
                if rows is None:
                    raise answer.bad(f"no list {key!r}")
                for row in sweep.add(mapping(body), [mapping(each) for each in rows]):
                    name = _name(row)
                    if name not in seen:
                        seen.add(name)
                        yield row
            if sweep.steady:
                return
        raise BadResponse(f"Schoology never sent a whole list (asked for: {what}); nothing is concluded from a part")


class _Sweep:
    """One pass over a collection: how much came, and whether it adds up with the totals that came with it."""

    def __init__(self) -> None:
        self.received = 0
        self.finished = False
        self._names: set[str] = set()
        self._total: int | None = None
        self._moved = False

    def add(self, body: Json, rows: list[Json]) -> list[Json]:
        """Take a page; its rows that are new in this sweep."""
        total = number(body.get("total"))
        if self._total is not None and total is not None and total != self._total:
            self._moved = True
        self._total = self._total if total is None else total
        fresh = {name: row for row in rows if (name := _name(row)) not in self._names}
        self._moved |= len(fresh) != len(rows)
        self._names.update(fresh)
        self.received += len(rows)
        more = optional(mapping(body.get("links")).get("next")) is not None
        complete = not more if self._total is None else self.received >= self._total
        self._moved |= not fresh and not complete
        self.finished = not fresh or (complete and not more)
        return list(fresh.values())

    @property
    def steady(self) -> bool:
        return not self._moved and self._total in {None, len(self._names)}


def _name(row: Json) -> str:
    return ident(row.get("id")) or ident(row.get("uid")) or repr(sorted(row))
