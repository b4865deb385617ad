"""Days and moments of graded items: local in the LMS, UTC in the SIS, and the SIS's sessions they fall into. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from rollbook.roster.grades import Session

#: A day without a time is written as its noon, or as another hour where that is another day in UTC: the same day for
#: everybody who looks at the UTC date alone.
_HOURS = (time(12), time(23), time(1))
_PERIOD = "gradingPeriod"


def day_of(text: str | None) -> date | None:
    """The day of "YYYY-MM-DD" or "YYYY-MM-DD HH:MM:SS"; None for anything else."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def as_utc(text: str, zone: ZoneInfo) -> str:
    """A local day or moment as OneRoster writes it; the text must have a day."""
    day = date.fromisoformat(text[:10])
    try:
        hours = (time.fromisoformat(text[11:19]),) if len(text) > len("YYYY-MM-DD") else _HOURS
    except ValueError:
        hours = _HOURS
    moments = [datetime.combine(day, at, tzinfo=zone).astimezone(UTC) for at in hours]
    moment = next((each for each in moments if each.date() == day), moments[0])
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def day_at(seconds: int, zone: ZoneInfo) -> date | None:
    """The local day of a moment in Unix seconds; None where there is no such day."""
    try:
        return datetime.fromtimestamp(seconds, zone).date()
    except (ValueError, OverflowError, OSError):
        return None


def sessions_on(sessions: Sequence[Session], day: date) -> tuple[Session | None, Session | None]:
    """The grading period and the session above it (a term, else the period itself) that hold a day: of several the
    shortest, so that a quarter wins over its semester."""
    holding = sorted((each for each in sessions if _holds(each, day)), key=_length)
    period = next((each for each in holding if each.type == _PERIOD), holding[0] if holding else None)
    if period is None:
        return None, None
    above = next((each for each in sessions if each.id == period.parent), None)
    term = next((each for each in holding if each.type != _PERIOD), None)
    return period, above or term or period


def first_day(sessions: Sequence[Session]) -> date | None:
    """The first day of the earliest session."""
    return min((day for each in sessions if (day := day_of(each.start))), default=None)


def last_day(sessions: Sequence[Session]) -> date | None:
    """The last day of the latest session."""
    return max((day for each in sessions if (day := day_of(each.end))), default=None)


def _holds(session: Session, day: date) -> bool:
    start, end = day_of(session.start), day_of(session.end)
    return start is not None and end is not None and start <= day <= end


def _length(session: Session) -> tuple[int, str]:
    start, end = day_of(session.start), day_of(session.end)
    return ((end - start).days if start and end else 0, session.id)
