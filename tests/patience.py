"""How tests wait and measure on a machine that may have other work: for a condition instead of a time, and more than
once where something has to be quick.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: Longer than anything takes, however busy the machine is (seconds). Only what hangs, or never comes, takes so long.
LONG: Final = 60.0


def until(true: Callable[[], object], seconds: float = LONG, every: float = 0.02) -> None:
    """Wait until it is true, and fail after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(every)


def within(most: float, measure: Callable[[], float], *, tries: int = 5, wanted: int = 1) -> None:
    """What `measure` gives (seconds, or a share) is less than `most`: so many times one after the other. On a machine
    that has other work just then it may be more, and is tried again; what is slow by itself is so each time."""
    took: list[float] = []
    while len(took) < tries:
        took.append(measure())
        if len(took) >= wanted and max(took[-wanted:]) < most:
            return
    raise AssertionError(f"not within {most}: {[round(one, 2) for one in took]}")
