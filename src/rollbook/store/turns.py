"""Limits that hold for all processes of an installation together: turns in a table, taken some at a time, so that most
requests cost no write."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from rollbook.store.models import TurnsRow

#: Turns that a process has taken and not used go back when it asks again, at the latest then.
_MINE_FOR_S: Final = 3.0
_PARTS: Final = 20
_FORGOTTEN_AFTER: Final = timedelta(days=1)
_MOST_KNOWN: Final = 10_000


@dataclass
class _Mine:
    """Turns of one name that this process may still give out."""

    left: int
    until: float


class Turns:
    """`per_minute` turns for each name, which come back evenly. `at_once` (by default some of them) are taken from the
    table at a time: so many may lie unused in each process while others wait."""

    def __init__(self, kind: str, per_minute: int, at_once: int | None = None) -> None:
        self._kind, self._most = kind, per_minute
        self._at_once = at_once or max(1, per_minute // _PARTS)
        self._mine: dict[str, _Mine] = {}
        self._lock = threading.Lock()

    def take(self, name: object) -> float:
        """Take a turn; 0.0, or how many seconds to wait until there is one again."""
        key = f"{self._kind}:{name}"
        with self._lock:
            mine = self._mine.get(key)
            if mine is not None and mine.left and time.monotonic() < mine.until:
                mine.left -= 1
                return 0.0
            back = self._mine.pop(key).left if mine is not None else 0
        got, wait = self._from_table(key, back)
        if not got:
            return wait
        with self._lock:
            if len(self._mine) > _MOST_KNOWN:
                self._mine.clear()
            held = self._mine.get(key)  # another thread has asked meanwhile
            self._mine[key] = _Mine(got - 1 + (held.left if held else 0), time.monotonic() + _MINE_FOR_S)
        return 0.0

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._mine.clear()
        TurnsRow.objects.filter(name__startswith=f"{self._kind}:").delete()

    def _from_table(self, key: str, back: int) -> tuple[int, float]:
        """How many turns we got, else how long to wait."""
        with transaction.atomic():
            now = timezone.now()
            start = {"left": float(self._most), "at": now}
            row, _ = TurnsRow.objects.select_for_update(no_key=True).get_or_create(name=key, defaults=start)
            left = min(float(self._most), row.left + back + self._since(row.at, now))
            got = min(self._at_once, int(left))
            row.left, row.at = left - got, max(now, row.at)
            row.save(update_fields=["left", "at"])
        return got, 0.0 if got else (1 - left) * 60 / self._most

    def _since(self, before: datetime, now: datetime) -> float:
        return max(0.0, (now - before).total_seconds()) * self._most / 60


def forget_old_turns() -> None:
    """Names that nobody has asked by for a day: they have all their turns again."""
    TurnsRow.objects.filter(at__lt=timezone.now() - _FORGOTTEN_AFTER).delete()
