"""How often and how long the kit tries again; maths only, it never sleeps itself."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from rollbook.errors import Unavailable


class LostAnswer(Unavailable):
    """A write was sent and its answer is lost (or was a 5xx): it may or may not have happened. `status` is
    the HTTP code where one came."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Retry:
    """When a call is repeated. `lost_answers`: also when the other side may have acted on it already (only
    for reads and calls that are safe to repeat). Calls that certainly did not count (not connected, 429) are
    always repeated.

    `attempts` bounds network faults and 5xx; waits asked for by the other side (429) are bounded by
    `longest_wait` for one wait and `total_wait` for all of a call. Seconds.
    """

    lost_answers: bool
    attempts: int = 6
    first_wait: float = 0.4
    backoff_cap: float = 20.0
    longest_wait: float = 90.0
    total_wait: float = 300.0

    def backoff(self, attempt: int) -> float:
        """Seconds before the next try after `attempt` (from 1) failed: doubled each time, with jitter."""
        exponent = min(attempt - 1, 16)
        wait = min(self.backoff_cap, self.first_wait * 2.0**exponent)
        return wait * random.uniform(0.5, 1.0)


#: Reads: everything that may pass is tried again.
SAFE = Retry(lost_answers=True)
#: Writes: only what certainly did not happen is tried again.
CAREFUL = Retry(lost_answers=False)
#: One attempt.
NEVER = Retry(lost_answers=False, attempts=1, longest_wait=0.0, total_wait=0.0)


def http_date(text: str | None) -> datetime | None:
    """An HTTP date (RFC 9110 5.6.7) as aware UTC, or None."""
    if not text:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for (number or date, RFC 9110 10.2.3); a date counts by the
    server's own clock. None without a readable one."""
    text = (headers.get("retry-after") or "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until = http_date(text)
        if until is None:
            return None
        seconds = (until - (http_date(headers.get("date")) or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if seconds == seconds else None
