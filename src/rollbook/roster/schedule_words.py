"""The next queue time in words that a district's admin understands. Pure; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rollbook.roster.schedule import Clock, Start, blackout_on, to_day, window
from rollbook.roster.settings import Blackout, Schedule
from rollbook.roster.words import Joined, Moment, Value, Words, english, join, say

_LAST_RESET: Final = "the last manual run or saved schedule"
#: What a grace period begins with, as it is written down beside the schedule.
SAVED, MANUAL, UNDO = "the last change of the schedule", "the last manual run", "the last undo"
SAVING = "saving this schedule"
#: All texts of these tables, for translators.
TEXTS: Final = (_LAST_RESET, SAVED, MANUAL, UNDO, SAVING)


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What comes next and why. `start` None means never. `sends` is False on a blackout day: that run only plans, and
    `sending` is the first one that sends. `overdue` says that no worker has been there at its time."""

    start: Start | None
    because: Joined
    sends: bool = True
    sending: Start | None = None
    overdue: bool = False

    @property
    def why(self) -> str:
        """In English; it goes on after "because"."""
        return str(self.because)


def outlook(
    clock: Clock, *, cause: str = _LAST_RESET, at: datetime | None = None, not_before: datetime | None = None
) -> Outlook:
    """The next start. `at` is now: a start that is due is overdue. `not_before` leaves out earlier starts, as if they
    had their runs. `cause` is what the grace period began with. Raises ConfigError."""
    if clock.schedule.mode == "manual":
        return _never(say("the schedule is manual: runs start only when somebody asks for one"))
    start = clock.due_start(at) if at is not None else None
    overdue = start is not None
    start = start or clock.next_start(not_before or at)
    if start is None:
        return _never(say("no window of this schedule is left in the calendar"))
    blackout = blackout_on(clock.schedule, (at if overdue and at else start.at).astimezone(clock.zone).date())
    sending = start if blackout is None else clock.next_sending(clock.next_start(at) if overdue else start)
    sentences = [_grace(clock, start, cause), *_window(clock, start)]
    if overdue:
        sentences.append(say("No worker has been at work since then; the run is queued as soon as one is."))
    if blackout is not None:
        sentences.append(_blackout(blackout, sending, start))
    because = join(sentences)
    return Outlook(start=start, because=because, sends=blackout is None, sending=sending, overdue=overdue)


def moment_words(moment: datetime, beside: datetime | None = None) -> str:
    """`Wednesday, 25 November at 12:00 am`; with the year when it is not the one of `beside`."""
    return english(moment_beside(moment, beside))


def moment_beside(moment: datetime, beside: datetime | None) -> Moment:
    """Said without its year when that is the one of `beside`."""
    return Moment(moment, year=beside is None or beside.year != moment.year)


def blackout_words(blackout: Blackout) -> Words:
    """`winter break, Monday, 21 December 2026 to Friday, 1 January 2027`."""
    first, last = to_day(blackout.from_, "schedule.blackout"), to_day(blackout.to, "schedule.blackout")
    if first == last:
        return say("%(why)s, %(day)s", why=blackout.why, day=first) if blackout.why else say("%(day)s", day=first)
    if blackout.why:
        return say("%(why)s, %(first)s to %(last)s", why=blackout.why, first=first, last=last)
    return say("%(first)s to %(last)s", first=first, last=last)


def _never(why: Words) -> Outlook:
    return Outlook(start=None, because=join([why]))


def _grace(clock: Clock, start: Start, cause: str) -> Words:
    since, earliest = clock.since.astimezone(clock.zone), clock.earliest.astimezone(clock.zone)
    if clock.after is not None and clock.after.astimezone(UTC) >= clock.earliest:
        before = moment_beside(clock.after.astimezone(clock.zone), start.local)
        return say("the window before, %(moment)s, had its run.", moment=before)
    return say(
        "%(cause)s was on %(since)s, and scheduled runs wait 24 hours after it, until %(earliest)s.",
        cause=Words(cause, {}),
        since=moment_beside(since, start.local),
        earliest=moment_beside(earliest, start.local),
    )


def _window(clock: Clock, start: Start) -> list[Words]:
    values: dict[str, Value] = {"window": _times(clock.schedule), "moment": moment_beside(start.wall, start.local)}
    if clock.schedule.start:
        values["first"] = to_day(clock.schedule.start, "schedule.start")
        words = [say("The next window (%(window)s, from %(first)s on) begins on %(moment)s.", **values)]
    else:
        words = [say("The next window (%(window)s) begins on %(moment)s.", **values)]
    if start.shifted:
        minute = moment_beside(start.local, start.local)
        words.append(
            say("A clock change skips that time, so it is %(moment)s, the next minute there is.", moment=minute)
        )
    return words


def _times(schedule: Schedule) -> Words:
    """`every Monday, 12:00 am to 3:00 am`."""
    opens, closes = window(schedule)
    if schedule.every == "weekly":
        day = Words((schedule.weekday or "week").capitalize(), {})
        return say("every %(weekday)s, %(opens)s to %(closes)s", weekday=day, opens=opens, closes=closes)
    if schedule.every == "12h":
        return say("every day, %(opens)s to %(closes)s and twelve hours later", opens=opens, closes=closes)
    return say("every day, %(opens)s to %(closes)s", opens=opens, closes=closes)


def _blackout(blackout: Blackout, sending: Start | None, beside: Start) -> Words:
    days = blackout_words(blackout)
    if sending is None:
        return say(
            "That is a blackout day (%(days)s): this run only plans, and nothing is sent; none after it sends.",
            days=days,
        )
    return say(
        "That is a blackout day (%(days)s): this run only plans, and nothing is sent; the next one that sends is on "
        "%(moment)s.",
        days=days,
        moment=moment_beside(sending.local, beside.local),
    )


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
