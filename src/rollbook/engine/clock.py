"""The one clock of the engine: how long this machine has been on. Nobody can set it back."""

from __future__ import annotations

import os
import time
from typing import Final

#: A worker whose heart has not beaten for so many seconds holds no lease any more.
LEASE_SECONDS: Final = float(os.environ.get("ROLLBOOK_LEASE_SECONDS", "6"))
BEAT_SECONDS: Final = LEASE_SECONDS / 4


def boot_clock() -> float:
    """Seconds since the machine started, suspended time included: a lease ends while a laptop sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
