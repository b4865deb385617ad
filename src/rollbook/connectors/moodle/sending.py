"""Sends many records in calls that Moodle takes: one bad record fails its whole call, so a failed call is split until
that record is alone; calls get smaller when answers are lost, and larger again while all goes well. What only the
database of the site had trouble with is sent again before it is split or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from rollbook.connectors.kit import LostAnswer, Retry
from rollbook.connectors.moodle.client import TOO_LARGE, MoodleError
from rollbook.connectors.moodle.outcomes import DATABASE, cut_short, unclear, unknown
from rollbook.connectors.moodle.variables import SPARE, Variables
from rollbook.errors import AuthFailed, BadResponse, ConfigError, LeaseLost, RunCancelled, Unavailable
from rollbook.roster.changes import DONE, REFUSED, Outcome

T = TypeVar("T")

_LEAST: Final = 5
#: Calls that carry a bad record get no smaller than this: splitting one costs little more than it saves.
_FEW: Final = 50
#: How often something of a batch is sent again after trouble of the database: calls that waited for each other's rows
#: are apart after a moment. A record that the database will never take looks the same from outside, and must not cost
#: much. One that is alone is sent once more even when all that is used up.
_UNDONE: Final = Retry(lost_answers=False, attempts=4, first_wait=0.2, backoff_cap=2.0)
#: After so many records in a row that the database did not take even alone, it is not asked once more.
_IN_VAIN: Final = 10

Call = Callable[[Sequence[T]], list[Outcome]]


class Sizes:
    """How many records a call has now, for several threads; `wait` sleeps so many seconds, or raises what ends the
    run."""

    def __init__(self, most: int, variables: Variables, wait: Callable[[float], None]) -> None:
        self._most, self._variables, self.wait = most, variables, wait
        self._now = self._ceiling = most
        self._lock = threading.Lock()

    def fitting(self, fields: int) -> int:
        """The most records of so many form fields each that a batch may ever have."""
        return max(1, min(self._most, (self._variables.hoped - SPARE) // fields))

    def now(self, fields: int, left: int) -> int:
        """How many of the `left` records of so many form fields go into the next call."""
        with self._lock:
            wanted = min(self._now, left)
        return max(1, min(wanted, (self._variables.most(wanted * fields + SPARE) - SPARE) // fields))

    def lost(self, sent: int) -> None:
        """An answer to a call with so many records was lost: perhaps it took too long."""
        with self._lock:
            self._now = max(min(_LEAST, self._most), min(self._now, sent // 2))

    def too_large(self, sent: int) -> None:
        """The web server takes no call of the size of one with so many records: none is as large again."""
        with self._lock:
            self._ceiling = max(1, min(self._ceiling, sent // 2))
            self._now = min(self._now, self._ceiling)

    def bad_record(self, sent: int) -> None:
        """A call with so many records failed for the sake of one: where there is one there are more, and what is sent
        beside them is sent several times."""
        with self._lock:
            self._now = max(min(_FEW, self._now), min(self._now, sent // 2))

    def went_well(self) -> None:
        with self._lock:
            self._now = min(self._ceiling, self._now + max(1, self._now // 4))


def send_all(
    items: Sequence[T],
    sizes: Sizes,
    fields: int,
    call: Call[T],
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
        left = len(items) - len(outcomes)
        part = items[len(outcomes) : len(outcomes) + sizes.now(fields, left)]
        outcomes += sending.send(part, whole=True)
    return outcomes


class _Sending(Generic[T]):
    """One batch on its way: whether anything of it was sent, what ended it early, and how often it was repeated."""

    def __init__(self, sizes: Sizes, call: Call[T], alone: Callable[[T, MoodleError], Outcome], *, begun: bool) -> None:
        self._sizes, self._call, self._alone, self._begun = sizes, call, alone, begun
        self._trouble: Outcome | None = None
        self._repeats, self._in_vain = 0, 0

    def send(self, items: Sequence[T], *, whole: bool = False) -> list[Outcome]:
        """`whole`: these are no part of a call that failed."""
        if self._trouble is not None:
            return [self._trouble] * len(items)
        try:
            return self._sent(items, whole=whole)
        except (AuthFailed, ConfigError, Unavailable, BadResponse, RunCancelled, LeaseLost) as error:
            if not self._begun:
                raise
            self._trouble = cut_short(error)
            return [self._trouble] * len(items)

    def _sent(self, items: Sequence[T], *, whole: bool) -> list[Outcome]:
        try:
            outcomes = self._taken(items)
        except LostAnswer as lost:
            self._begun = True
            self._sizes.lost(len(items))
            return [unknown(str(lost), lost.status)] * len(items)
        except MoodleError as error:
            if len(items) == 1:
                self._in_vain += error.of_database
                return [self._alone(items[0], error)]
            blaming = not error.of_database and error.code != TOO_LARGE
            if error.code == TOO_LARGE:
                self._sizes.too_large(len(items))
            if blaming and whole:
                self._sizes.bad_record(len(items))
            return self._halves(items, blaming=blaming)
        self._begun, self._in_vain = True, 0
        if whole:
            self._sizes.went_well()
        complete = len(outcomes) == len(items)
        return outcomes if complete else [unclear("Moodle did not answer for each record")] * len(items)

    def _halves(self, items: Sequence[T], *, blaming: bool) -> list[Outcome]:
        """Of a call that failed. `blaming`: for the sake of a record, which is in the second half if all of the first
        one went through; so the second half is not sent as it is only to fail, too."""
        middle = len(items) // 2
        rest = items[middle:]
        first = self.send(items[:middle])
        if blaming and len(rest) > 1 and all(each.status == DONE for each in first):
            return first + self._halves(rest, blaming=True)
        return first + self.send(rest)

    def _taken(self, items: Sequence[T]) -> list[Outcome]:
        """The answers to one call. Where the database had trouble, nothing of it was done, and it is sent again as it
        was. Raises what `_call` raises."""
        tries = 0
        while True:
            try:
                return self._once_more(items, self._call(items))
            except MoodleError as error:
                if not (error.of_database and self._again(tries, len(items))):
                    raise
                tries += 1

    def _once_more(self, items: Sequence[T], outcomes: list[Outcome]) -> list[Outcome]:
        """Of a call that does each record by itself: those with which the database had trouble are sent once more."""
        places = [place for place, each in enumerate(outcomes) if each.status == REFUSED and each.code == DATABASE]
        if not places or len(outcomes) != len(items):
            return outcomes
        self._begun = True
        try:
            if not self._again(0, len(places)):
                return outcomes
            again = self._call([items[place] for place in places])
        except MoodleError:
            return outcomes
        except LostAnswer as lost:
            self._sizes.lost(len(places))
            again = [unknown(str(lost), lost.status)] * len(places)
        except (AuthFailed, ConfigError, Unavailable, BadResponse, RunCancelled, LeaseLost) as error:
            self._trouble = cut_short(error)
            return outcomes
        known = dict(zip(places, again, strict=False))
        return [known.get(place, each) for place, each in enumerate(outcomes)]

    def _again(self, tries: int, number: int) -> bool:
        """Waits, and says whether so many records, tried so often before, are sent once more."""
        used_up = self._repeats >= _UNDONE.attempts - 1 and (number > 1 or tries > 0)
        if used_up or self._in_vain >= _IN_VAIN:
            return False
        self._repeats += 1
        self._sizes.wait(_UNDONE.backoff(tries + 1))
        return True
