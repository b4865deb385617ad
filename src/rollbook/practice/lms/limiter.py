"""Rate credits: so many in any so many seconds (inferred as a sliding window); never makes a call wait."""

from __future__ import annotations

import math
from collections import deque

WRITE_CREDITS = 3
READ_CREDITS = 1


def price(method: str) -> int:
    return WRITE_CREDITS if method in {"POST", "PUT", "DELETE"} else READ_CREDITS


class Limiter:
    """Keeps what was spent in the last `seconds`; refused calls cost nothing."""

    def __init__(self, credits: int, seconds: float, *, on: bool) -> None:
        self.credits = credits
        self.seconds = seconds
        self.on = on
        self._spent: deque[tuple[float, int]] = deque()
        self._sum = 0

    def spend(self, credits: int, now: float) -> int:
        """Spend, or say how many whole seconds to wait. 0 means spent. `now` is a monotonic clock."""
        while self._spent and self._spent[0][0] <= now - self.seconds:
            self._sum -= self._spent.popleft()[1]
        if self.on and self._sum + credits > self.credits:
            return self._wait(credits, now)
        self._spent.append((now, credits))
        self._sum += credits
        return 0

    def _wait(self, credits: int, now: float) -> int:
        left = self._sum
        for when, cost in self._spent:
            left -= cost
            if left + credits <= self.credits:
                return max(1, math.ceil(when + self.seconds - now))
        return max(1, math.ceil(self.seconds))
