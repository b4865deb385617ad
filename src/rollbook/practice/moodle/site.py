"""One practice Moodle: its store, settings, clock, counters and faults; answers no request by itself."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from rollbook.practice.control import Traffic
from rollbook.practice.faults import Faults
from rollbook.practice.moodle.catalogue import KNOWN_FAULTS
from rollbook.practice.moodle.locks import Locks
from rollbook.practice.moodle.params import Cleaner
from rollbook.practice.moodle.settings import Settings
from rollbook.practice.moodle.store import Row, Store

SITE_COURSE = 1
GUEST = 1
#: The account whose token is used.
SERVICE = 3


class Calls(Traffic):
    """Counts, and each call as [start, end, function, what became of it, elements]."""

    def reset(self) -> None:
        super().reset()
        self.calls: deque[list[Any]] = deque(maxlen=200_000)


class Site:
    """The site and everything that answers for it."""

    def __init__(self, store: Store, settings: Settings, faults: Sequence[str] = ()) -> None:
        """Raises UnknownFault."""
        self.store = store
        self.settings = settings
        self.faults = Faults(KNOWN_FAULTS, faults)
        self.traffic = Calls()
        self.cleaner = Cleaner(settings.auths, settings.langs, settings.extended_username_chars)
        self.pretended_now: int | None = None
        self.locks = Locks()
        #: Calls wait here until a worker is free; so many that nobody waits where their number is not limited.
        self.workers = asyncio.Semaphore(settings.workers or 1_000_000)

    def now(self) -> int:
        """Unix seconds, pretended or real."""
        return self.pretended_now if self.pretended_now is not None else int(time.time())

    def midnight(self) -> int:
        """The start of this day (usergetmidnight), in UTC."""
        return self.now() // 86_400 * 86_400

    def may(self, capability: str) -> bool:
        """Whether the token's user has a capability; each counts for the whole site."""
        return capability not in self.settings.denied

    def service_user(self) -> Row:
        found = self.store.one("SELECT * FROM users WHERE id = ?", SERVICE)
        assert found is not None
        return found

    def role_names(self) -> dict[int, str]:
        """Short names by role id."""
        return {number: name for name, number in self.settings.roles.items()}

    def mail(self, kind: str, user_id: int) -> None:
        """Take note of an e-mail that a real site would send now."""
        self.store.insert("mails", kind=kind, user=user_id)

    def idle(self) -> dict[str, Any]:
        """How long, between the first start and the last end of calls, none was in flight (seconds and share)."""
        spans = sorted((row[0], row[1]) for row in self.traffic.calls)
        if not spans:
            return {"first": None, "last": None, "idle": 0.0, "share": None}
        first, end, idle = spans[0][0], spans[0][1], 0.0
        for start, stop in spans[1:]:
            idle += max(0.0, start - end)
            end = max(end, stop)
        return {"first": first, "last": end, "idle": idle, "share": idle / (end - first) if end > first else None}
