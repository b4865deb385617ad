"""Keeps calls within what the other side allows; waits only through the run's `cancel`."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from rollbook.connectors.base import Cancel

#: Clocks of two machines tick and wake a little apart.
_GRAIN = 0.02


@dataclass(eq=False)
class Ticket:
    """One call in the window: its cost, when it left, when its answer came."""

    cost: int
    started: float
    ended: float | None = None


class Gate:
    """Lets every call pass, but holds all of them while the other side asked us to wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._resume_at = float("-inf")

    def acquire(self, method: str, cancel: Cancel) -> Ticket:
        """Wait, cancellably, until a call of this HTTP method may leave. Give the ticket back with
        `release`."""
        while (wait := self._paused()) > 0:
            cancel.wait(wait)
        return Ticket(0, self._clock())

    def leave(self, ticket: Ticket) -> None:
        """The call leaves now (signing it may have taken a while)."""
        ticket.started = self._clock()

    def release(self, ticket: Ticket) -> None:
        """The answer came, or never will."""
        ticket.ended = self._clock()

    def refused(self, seconds: float) -> None:
        """The other side refused a call (429) and wants `seconds` of silence: nobody passes until then."""
        with self._lock:
            self._resume_at = max(self._resume_at, self._clock() + seconds)

    def _paused(self) -> float:
        return self._resume_at - self._clock()


class CreditLimiter(Gate):
    """At most `credits` per sliding `window` seconds, counted where the server counts: when a call arrives.

    A call arrives somewhere between leaving here and its answer, so its credits are counted as spent until
    `window` seconds after its answer, or after it left plus `margin` (seconds) when the answer takes longer.
    So no call is refused as long as calls travel faster than `margin`, at a loss of at most margin/window; a
    refusal widens the margin and makes us spend less until a window passed without one.
    """

    def __init__(
        self,
        credits: int = 50,
        window: float = 5.0,
        *,
        costs: Mapping[str, int] | None = None,
        other: int = 1,
        margin: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`costs` maps an HTTP method to its credits, `other` is the cost of those not listed."""
        super().__init__(clock)
        self._full, self._window, self._margin = credits, window, margin
        self._credits = credits
        self._costs, self._other = dict(costs or {}), other
        self._spent: deque[Ticket] = deque()
        self._grown_at = clock()

    def acquire(self, method: str, cancel: Cancel) -> Ticket:
        # One at a time and in order of arrival, or cheap calls would starve the dear ones.
        while not self._turn.acquire(timeout=0.1):
            cancel.check()
        try:
            while True:
                found = self._try(self._costs.get(method, self._other))
                if isinstance(found, Ticket):
                    return found
                cancel.wait(found)
        finally:
            self._turn.release()

    def refused(self, seconds: float) -> None:
        super().refused(seconds)
        with self._lock:
            dearest = max([self._other, *self._costs.values()])
            self._credits = max(min(dearest, self._full), self._credits * 9 // 10)
            self._margin = min(self._window / 4, self._margin * 1.5)
            self._grown_at = self._resume_at

    def _try(self, cost: int) -> Ticket | float:
        """A ticket, or the seconds after which it is worth asking again."""
        with self._lock:
            now = self._clock()
            if (pause := self._paused()) > 0:
                return pause
            self._grow(now)
            cost = min(cost, self._credits)
            held = sorted(((free, t) for t in self._spent if (free := self._free_at(t)) > now), key=itemgetter(0))
            self._spent = deque(t for _, t in held)
            spare = self._credits - sum(t.cost for t in self._spent)
            for free, ticket in held:
                if spare >= cost:
                    break
                spare, now = spare + ticket.cost, free
            if now > self._clock():
                return max(0.001, now - self._clock())
            ticket = Ticket(cost, self._clock())
            self._spent.append(ticket)
            return ticket

    def _free_at(self, ticket: Ticket) -> float:
        latest = ticket.started + self._margin
        arrived = latest if ticket.ended is None else min(latest, ticket.ended)
        return arrived + self._window + _GRAIN

    def _grow(self, now: float) -> None:
        """One more credit per window without a refusal, up to what was allowed at first."""
        while self._credits < self._full and now - self._grown_at >= self._window:
            self._credits += 1
            self._grown_at += self._window
