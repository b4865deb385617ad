"""The one clock of the engine: how long this machine has been on. Nobody can set it back."""

from __future__ import annotations

import time
from typing import Final

#: A worker whose heart has not beaten for so many seconds holds no lease any more.
LEASE_SECONDS: Final = 6.0
BEAT_SECONDS: Final = 1.5


def boot_clock() -> float:
    """Seconds since the machine started, suspended time included: a lease ends while a laptop sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
