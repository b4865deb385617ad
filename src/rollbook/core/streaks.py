"""What the answers of bulk calls say together: a kind refused with one message, an LMS that has gone silent.

Only counts. Answers come from several threads, in the order in which the calls end.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from rollbook.errors import Unavailable
from rollbook.roster.changes import REFUSED, TOO_EARLY, UNKNOWN, WAITING, Outcome

#: So many refusals in a row with one message stop a kind (rule 27).
STOP_AFTER = 100
#: So many calls in a row without any answer end the run, for nobody is there: five bulk calls, each sent four times.
SILENT_AFTER = 20


class Streaks:
    """Runs of like answers, over all slices of one plan."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._same: dict[str, tuple[str, int]] = {}
        self._silent = 0
        self._answered = False

    def heard(self, outcomes: Sequence[Outcome]) -> None:
        """Count the answer to one call: when everything it carried is unknown, there was none. What the connector did
        not send (`TOO_EARLY`) was no call."""
        if all(outcome.code == TOO_EARLY for outcome in outcomes):
            return
        answered = any(outcome.status != UNKNOWN for outcome in outcomes)
        with self._lock:
            self._answered = self._answered or answered
            self._silent = 0 if answered else self._silent + 1

    def take(self, kind: str, outcomes: Sequence[Outcome]) -> None:
        """Count what became of the changes of one bulk call; what was not sent does not count."""
        with self._lock:
            for outcome in outcomes:
                if outcome.status == REFUSED:
                    message, times = self._same.get(kind, ("", 0))
                    self._same[kind] = (outcome.message, times + 1 if message == outcome.message else 1)
                elif outcome.status != WAITING:
                    self._same.pop(kind, None)

    def stopped(self, kind: str) -> bool:
        """Was this kind refused so often with one message that nothing more of it is sent?"""
        with self._lock:
            return self._same.get(kind, ("", 0))[1] >= STOP_AFTER

    def silence(self, lms: str, *, over: bool = False) -> Unavailable | None:
        """The error for an LMS (by its name) that does not answer: several calls in a row, or, when everything was sent
        (`over`), not a single one."""
        with self._lock:
            mute = self._silent > 0 and not self._answered
            if self._silent < SILENT_AFTER and not (over and mute):
                return None
            number = self._silent
        return Unavailable(
            f"{lms} gave no answer to {number} calls in a row; what was sent is unknown, and the next run asks again"
        )
