"""Sends many records in calls that Moodle takes: one bad record fails its whole call, so a failed call is split until
that record is alone; calls get smaller when answers are lost, and larger again while all goes well."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from rollbook.connectors.kit import LostAnswer
from rollbook.connectors.moodle.client import MoodleError
from rollbook.connectors.moodle.outcomes import cut_short, unclear, unknown
from rollbook.errors import AuthFailed, BadResponse, Unavailable
from rollbook.roster.changes import Outcome

T = TypeVar("T")

#: Fields of a call beside its records: format, raw, token, function, and a few to spare.
_SPARE: Final = 10
_LEAST: Final = 5


class Sizes:
    """How many records a call has now, for several threads."""

    def __init__(self, most: int, max_input_vars: int) -> None:
        self._most, self._variables = most, max_input_vars
        self._now = most
        self._lock = threading.Lock()

    def fitting(self, fields: int) -> int:
        """The most records of so many form fields each that a call may ever have."""
        return max(1, min(self._most, (self._variables - _SPARE) // fields))

    def now(self, fields: int) -> int:
        with self._lock:
            return min(self._now, self.fitting(fields))

    def lost(self, sent: int) -> None:
        """An answer to a call with so many records was lost: perhaps it took too long."""
        with self._lock:
            self._now = max(min(_LEAST, self._most), min(self._now, sent // 2))

    def went_well(self) -> None:
        with self._lock:
            self._now = min(self._most, self._now + max(1, self._now // 4))


def send_all(
    items: Sequence[T],
    sizes: Sizes,
    fields: int,
    call: Callable[[Sequence[T]], list[Outcome]],
    alone: Callable[[T, MoodleError], Outcome],
    *,
    begun: bool = False,
) -> list[Outcome]:
    """One outcome per item, in order. `call` sends some in one call; `alone` says what an item gets that was refused
    by itself. `fields` are form fields of an item. `begun`: something of the batch was sent before. Raises what ends a
    run only while nothing was sent: later, what was done stays done, and the rest is unknown."""
    sending = _Sending(sizes, call, alone, begun=begun)
    outcomes: list[Outcome] = []
    while len(outcomes) < len(items):
        part = items[len(outcomes) : len(outcomes) + sizes.now(fields)]
        outcomes += sending.send(part)
    return outcomes


class _Sending(Generic[T]):
    """One batch on its way: whether anything of it was sent, and what ended it early."""

    def __init__(
        self,
        sizes: Sizes,
        call: Callable[[Sequence[T]], list[Outcome]],
        alone: Callable[[T, MoodleError], Outcome],
        *,
        begun: bool,
    ) -> None:
        self._sizes, self._call, self._alone, self._begun = sizes, call, alone, begun
        self._trouble: Outcome | None = None

    def send(self, items: Sequence[T]) -> list[Outcome]:
        if self._trouble is not None:
            return [self._trouble] * len(items)
        try:
            return self._sent(items)
        except (AuthFailed, Unavailable, BadResponse) as error:
            if not self._begun:
                raise
            self._trouble = cut_short(error)
            return [self._trouble] * len(items)

    def _sent(self, items: Sequence[T]) -> list[Outcome]:
        try:
            outcomes = self._call(items)
        except LostAnswer as lost:
            self._begun = True
            self._sizes.lost(len(items))
            return [unknown(str(lost), lost.status)] * len(items)
        except MoodleError as error:
            if len(items) == 1:
                return [self._alone(items[0], error)]
            middle = len(items) // 2
            return [each for half in (items[:middle], items[middle:]) for each in self.send(half)]
        self._begun = True
        self._sizes.went_well()
        whole = len(outcomes) == len(items)
        return outcomes if whole else [unclear("Moodle did not answer for each record")] * len(items)
