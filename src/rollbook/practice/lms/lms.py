"""One practice LMS: its store, settings, clock and counters; answers no request by itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date

from rollbook.practice.control import Traffic
from rollbook.practice.faults import Faults
from rollbook.practice.lms.catalogue import KNOWN_FAULTS
from rollbook.practice.lms.limiter import Limiter
from rollbook.practice.lms.settings import Settings
from rollbook.practice.lms.store import Store


class Lms:
    """The organization and everything that answers for it."""

    def __init__(self, store: Store, settings: Settings, faults: Sequence[str] = ()) -> None:
        """Raises UnknownFault."""
        self.store = store
        self.settings = settings
        self.faults = Faults(KNOWN_FAULTS, faults)
        self.traffic = Traffic()
        self.limiter = Limiter(settings.limiter_credits, settings.limiter_seconds, on=settings.limiter)
        self.pretended_today: date | None = settings.today

    def today(self) -> str:
        """The day as YYYY-MM-DD, pretended or real."""
        return (self.pretended_today or date.today()).isoformat()

    def now(self) -> int:
        """Unix seconds."""
        return int(time.time())

    def organization(self) -> int:
        return self.store.number("SELECT id FROM schools WHERE parent IS NULL ORDER BY id LIMIT 1")

    def mail(self, kind: str, user_id: int) -> None:
        """Take note of an e-mail that a real LMS would send now."""
        self.store.insert("mails", kind=kind, user_id=user_id)
