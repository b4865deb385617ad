"""A OneRoster REST provider as a source of rosters. Reads six collections; never demographics, never
passwords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx2

from rollbook.connectors.base import Context, Page, Reading, ReadRequest, Report, Row, SourceFinding, Verdict
from rollbook.connectors.oneroster_rest import translate
from rollbook.connectors.oneroster_rest.client import Api
from rollbook.connectors.oneroster_rest.options import OneRosterOptions, work_out
from rollbook.connectors.oneroster_rest.reading import OneRosterReading
from rollbook.connectors.oneroster_rest.tables import READ
from rollbook.errors import ConfigError
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.roster.reasons import because

#: Clocks further apart than this (seconds) are worth a word: signatures fail at five minutes.
_SKEW = 60.0


class OneRosterSource:
    """See `Source`. In 1.2 users carry their roles: `roles` has no pages of its own, its rows come with those
    of users, and its verdict is theirs."""

    def __init__(
        self, options: OneRosterOptions, context: Context, *, transport: httpx2.BaseTransport | None = None
    ) -> None:
        """`transport` replaces the network in tests. Raises ConfigError."""
        self._setup = work_out(options)
        self._context = context
        self._api = Api(self._setup, context, transport=transport)
        self._users: Reading | None = None

    def test(self) -> Report:
        """Counts of all collections, the scopes granted, and how far the clocks are apart."""
        counts: dict[str, str] = {}
        skew: float | None = None
        for collection in READ:
            page = self._api.page(collection, 0, limit=1)
            counts[collection] = "not told" if page.total is None else str(page.total)
            if page.date is not None and skew is None:
                skew = (page.date - datetime.now(UTC)).total_seconds()
        facts = {"version": self._setup.version.name, "address": self._setup.base_url, **counts}
        credentials = self._api.credentials
        if credentials is not None:
            granted = credentials.granted
            facts["scopes"] = "not told" if granted is None else " ".join(granted) or "none"
        facts["clock"] = "not told" if skew is None else f"{skew:+.0f} s against ours"
        empty = [name for name in ("orgs", "users") if counts[name] == "0"]
        summary = f"{self._setup.partner.title}, OneRoster {self._setup.version.name}: connected."
        if empty:
            summary = f"Connected, but the SIS shows no {' and no '.join(empty)}; look at what the key may see."
        elif skew is not None and abs(skew) > _SKEW:
            summary += " The clocks are apart; set this machine's clock."
        return Report(ok=not empty, summary=summary, facts=facts)

    @property
    def end_dates(self) -> str:
        """Whether this partner's end dates count as days of attendance (rule 19)."""
        return self._setup.partner.end_dates

    def collections(self) -> tuple[str, ...]:
        return tuple(name for name in COLLECTIONS if name in READ or (name == "roles" and self._setup.version.roles))

    def read(self, request: ReadRequest) -> Reading:
        """Raises ConfigError for a collection that is not offered."""
        if request.collection not in self.collections():
            raise ConfigError(f"OneRoster {self._setup.version.name} REST has no collection {request.collection}")
        if request.collection == "roles":
            return RolesReading(self._users)
        reading = OneRosterReading(self._api, request, self._context.work)
        if request.collection == "users":
            self._users = reading
        return reading

    def rows(self, collection: str, body: bytes) -> Iterator[tuple[str, Row]]:
        return translate.rows(collection, body, nested_roles=self._setup.version.roles)

    def close(self) -> None:
        self._api.close()


class RolesReading:
    """The roles of 1.2, which came with the users."""

    def __init__(self, users: Reading | None) -> None:
        self._users = users

    def __iter__(self) -> Iterator[Page]:
        return iter(())

    @property
    def verdict(self) -> Verdict:
        if self._users is None:
            return Verdict(collection="roles", complete=False, reason=because("roles_unread"))
        found = self._users.verdict
        return Verdict(
            collection="roles", complete=found.complete, reason=found.reason, mode=found.mode,
            watermark=found.watermark,
        )  # fmt: skip

    @property
    def findings(self) -> Sequence[SourceFinding]:
        return ()


def make_source(options: Any, context: Context) -> OneRosterSource:
    return OneRosterSource(options, context)
