"""From what a clock on the wall shows to the moment it shows it, clock changes included. Pure; knows no schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rollbook.errors import ConfigError

_SECOND = timedelta(seconds=1)


def time_zone(name: str) -> ZoneInfo:
    """Raises ConfigError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"there is no time zone {name!r}; it must be a name such as America/New_York") from None


def first_moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which a clock in `zone` shows `wall` (naive), or more where that is skipped.

    So a time that occurs twice is its first occurrence, and one that a clock change skips is the next minute there is.
    """
    guess = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _shown(guess, zone) == wall:
        return guess
    before = wall.replace(tzinfo=zone, fold=1, microsecond=0).astimezone(UTC)
    low, high = 0, int((guess - before) / _SECOND) + 1  # not there yet; there
    while high - low > 1:
        middle = (low + high) // 2
        if _shown(before + middle * _SECOND, zone) < wall:
            low = middle
        else:
            high = middle
    found = before + high * _SECOND
    return found + timedelta(seconds=-_shown(found, zone).second % 60)


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
