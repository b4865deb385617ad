"""The state behind a memory connection, as a real system would keep it on its own servers, with faults on demand.

A connector never has such a file: this is the other side. Tests fill it, break it and look into it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rollbook.connectors.memory.books import SisBook
from rollbook.errors import AuthFailed, BatchRefused, Throttled, Unavailable
from rollbook.roster.grades import Gradebook
from rollbook.roster.lms import KINDS

#: What may happen to a call, see `Faults.next_calls`.
LOSE_BEFORE, LOSE_AFTER = "lose_before", "lose_after"
THROTTLE, CUT, REFUSE_WHOLE = "throttle", "cut", "refuse_whole"
FAULTS: Final = (LOSE_BEFORE, LOSE_AFTER, THROTTLE, CUT, REFUSE_WHOLE)


class AnswerLost(Exception):
    """The line broke while a call was under way: nobody knows whether the other side has acted."""


@dataclass
class Stored:
    """One object of the LMS. `code` is its external id ("<LMS id>|<LMS id>" where it joins two objects), `fields` hold
    LMS ids where the kind has parents."""

    lms_id: str
    code: str
    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    active: bool = True
    protected: bool = False


@dataclass
class Faults:
    """What goes wrong, for tests. `refuse` maps external ids ("<code>|<code>" for links) to the words with which the
    LMS refuses them; `break_read_at` maps a collection or kind to the page number at which reading it breaks off."""

    refuse: dict[str, str] = field(default_factory=dict)
    break_read_at: dict[str, int] = field(default_factory=dict)
    queue: deque[str] = field(default_factory=deque)

    def next_calls(self, *names: str) -> None:
        """The next calls meet these faults, one each: lose_before (the call never arrives), lose_after (it is carried
        out, its answer is lost), throttle, cut (no connection), refuse_whole (a bulk call is refused as one)."""
        unknown = set(names) - set(FAULTS)
        if unknown:
            raise ValueError(f"unknown faults: {sorted(unknown)}")
        self.queue.extend(names)


class Space:
    """One named state: `rows` of a SIS by collection, objects of an LMS by kind, `passwords` by LMS id of users,
    `roles` with True for staff. `gradebooks` of the LMS by section code, `sis_book` is the SIS's. `calls` counts what
    arrived."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.key = "memory"
        self.rows: dict[str, Sequence[Any]] = {}
        self.roles: dict[str, bool] = {"Student": False, "Parent": False, "Teacher": True, "System Admin": True}
        self.passwords: dict[str, str] = {}
        self.gradebooks: dict[str, Gradebook] = {}
        self.sis_book = SisBook()
        self.faults = Faults()
        self.calls = 0
        self.lock = threading.RLock()
        self._by_id: dict[str, dict[str, Stored]] = {kind: {} for kind in KINDS}
        self._by_code: dict[str, dict[str, Stored]] = {kind: {} for kind in KINDS}
        self._last_id = 0

    def arrive(self, key: str) -> str | None:
        """A call comes in: count it, check its key, meet the next fault. Returns a fault that strikes after acting.
        Raises AuthFailed, Throttled, Unavailable, BatchRefused or AnswerLost."""
        self.calls += 1
        if key != self.key:
            raise AuthFailed("the memory space refused the key")
        fault = self.faults.queue.popleft() if self.faults.queue else None
        if fault == THROTTLE:
            raise Throttled("the memory space asked us to wait", retry_after=30)
        if fault == CUT:
            raise Unavailable("the memory space does not answer")
        if fault == LOSE_BEFORE:
            raise AnswerLost
        if fault == REFUSE_WHOLE:
            raise BatchRefused("the memory space refused the whole call", status=400)
        return fault

    def all(self, kind: str) -> list[Stored]:
        """Every object of a kind, in the order in which they were made."""
        return list(self._by_id[kind].values())

    def by_id(self, kind: str, lms_id: str | None) -> Stored | None:
        """The object with this LMS id."""
        return self._by_id[kind].get(lms_id) if lms_id else None

    def find(self, kind: str, code: str | None) -> Stored | None:
        """The object with this external id."""
        return self._by_code[kind].get(code) if code else None

    def add(self, kind: str, code: str, fields: Mapping[str, Any]) -> Stored:
        """Make an object, with an LMS id that nothing else has ever had."""
        self._last_id += 1
        stored = Stored(lms_id=str(self._last_id), code=code, fields=dict(fields))
        self._by_id[kind][stored.lms_id] = self._by_code[kind][code] = stored
        return stored

    def rename(self, kind: str, stored: Stored, code: str) -> None:
        """Give an object another external id."""
        self._by_code[kind].pop(stored.code)
        stored.code = code
        self._by_code[kind][code] = stored

    def delete(self, kind: str, stored: Stored) -> None:
        """Take an object away."""
        self._by_code[kind].pop(stored.code)
        self._by_id[kind].pop(stored.lms_id)


_SPACES: dict[str, Space] = {}


def space(name: str) -> Space:
    """The space of this name, made when first asked for: several connections and runs share it."""
    return _SPACES.setdefault(name, Space(name))


def forget(name: str) -> None:
    """Drop a space, so that the next one of this name is empty."""
    _SPACES.pop(name, None)
