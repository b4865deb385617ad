"""The next queue time in words that a district's admin understands. Pure; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from rollbook.roster.schedule import Clock, Start, blackout_on, to_day, window
from rollbook.roster.settings import Blackout, Schedule

_LAST_RESET: Final = "the last manual run or saved schedule"


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What comes next and why. `start` None means never. `sends` is False on a blackout day: that run only plans, and
    `sending` is the first one that sends. `overdue` says that no worker has been there at its time."""

    start: Start | None
    why: str
    sends: bool = True
    sending: Start | None = None
    overdue: bool = False


def outlook(
    clock: Clock, *, cause: str = _LAST_RESET, at: datetime | None = None, not_before: datetime | None = None
) -> Outlook:
    """The next start. `at` is now: a start that is due is overdue. `not_before` leaves out earlier starts, as if they
    had their runs. `cause` is what the grace period began with. Raises ConfigError."""
    if clock.schedule.mode == "manual":
        return Outlook(start=None, why="the schedule is manual: runs start only when somebody asks for one")
    start = clock.due_start(at) if at is not None else None
    overdue = start is not None
    start = start or clock.next_start(not_before or at)
    if start is None:
        return Outlook(start=None, why="no window of this schedule is left in the calendar")
    blackout = blackout_on(clock.schedule, (at if overdue and at else start.at).astimezone(clock.zone).date())
    sending = start if blackout is None else clock.next_sending(clock.next_start(at) if overdue else start)
    sentences = [_grace(clock, start, cause), *_window(clock, start)]
    if overdue:
        sentences.append("No worker has been at work since then; the run is queued as soon as one is.")
    if blackout is not None:
        sentences.append(_blackout(blackout, sending, start))
    return Outlook(start=start, why=" ".join(sentences), sends=blackout is None, sending=sending, overdue=overdue)


def moment_words(moment: datetime, beside: datetime | None = None) -> str:
    """`Wednesday, 25 November at 12:00 am`; with the year when it is not the one of `beside`."""
    year = "" if beside is not None and beside.year == moment.year else f" {moment.year}"
    return f"{moment:%A}, {moment.day} {moment:%B}{year} at {_clock(moment.time())}"


def blackout_words(blackout: Blackout) -> str:
    """`winter break, Monday, 21 December 2026 to Friday, 1 January 2027`."""
    first, last = to_day(blackout.from_, "schedule.blackout"), to_day(blackout.to, "schedule.blackout")
    days = _day(first) if first == last else f"{_day(first)} to {_day(last)}"
    return f"{blackout.why}, {days}" if blackout.why else days


def every_words(schedule: Schedule) -> str:
    """`every day`, `every Monday`."""
    return f"every {(schedule.weekday or 'week').capitalize()}" if schedule.every == "weekly" else "every day"


def _grace(clock: Clock, start: Start, cause: str) -> str:
    since, earliest = clock.since.astimezone(clock.zone), clock.earliest.astimezone(clock.zone)
    if clock.after is not None and clock.after.astimezone(UTC) >= clock.earliest:
        return f"the window before, {moment_words(clock.after.astimezone(clock.zone), start.local)}, had its run."
    return (
        f"{cause} was on {moment_words(since, start.local)}, and scheduled runs wait 24 hours after it, until "
        f"{moment_words(earliest, start.local)}."
    )


def _window(clock: Clock, start: Start) -> list[str]:
    opens, closes = window(clock.schedule)
    first = f", from {_day(to_day(clock.schedule.start, 'schedule.start'))} on" if clock.schedule.start else ""
    again = " and twelve hours later" if clock.schedule.every == "12h" else ""
    times = f"{_clock(opens)} to {_clock(closes)}{again}"
    words = [
        f"The next window ({every_words(clock.schedule)}, {times}{first}) begins on "
        f"{moment_words(start.wall, start.local)}."
    ]
    if start.shifted:
        minute = moment_words(start.local, start.local)
        words.append(f"A clock change skips that time, so it is {minute}, the next minute there is.")
    return words


def _blackout(blackout: Blackout, sending: Start | None, beside: Start) -> str:
    after = (
        f"the next one that sends is on {moment_words(sending.local, beside.local)}"
        if sending
        else "none after it sends"
    )
    return f"That is a blackout day ({blackout_words(blackout)}): this run only plans, and nothing is sent; {after}."


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def _clock(at: time) -> str:
    return f"{at.hour % 12 or 12}:{at.minute:02} {'am' if at.hour < 12 else 'pm'}"


def outlook_summary(clock: Clock, seen: Outlook) -> dict[str, str | None]:
    """The next start and why, in the shape of docs/reference/schemas/schedule-explain.json."""
    return {
        "next": iso(seen.start.local if seen.start is not None else None),
        "why": seen.why[:1].upper() + seen.why[1:],
        "timezone": clock.zone.key,
        "since": iso(clock.since.astimezone(clock.zone)),
        "earliest": iso(clock.earliest.astimezone(clock.zone)),
    }


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 with offset, to the second."""
    return None if moment is None else moment.isoformat(timespec="seconds")
