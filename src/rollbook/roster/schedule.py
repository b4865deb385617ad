"""When scheduled runs are queued (rule 29). Pure: time goes in and comes out, nothing is read or remembered here.

Moments are compared in UTC only: two times of one zone compare by what the wall shows, wrongly when clocks change.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from rollbook.errors import ConfigError
from rollbook.roster.settings import Blackout, Clockwork, Schedule, Settings
from rollbook.roster.wall_clock import first_moment

#: A manual run or a changed schedule keeps scheduled runs away for so long, by elapsed time.
GRACE: Final = timedelta(hours=24)
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY, _HALF_DAY = timedelta(days=1), timedelta(hours=12)
_LONGEST: Final = 9 * _DAY  # between two starts, clock changes included
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Start:
    """A window's start: the moment `at` in UTC, the same in the schedule's zone (`local`), and the `wall` time that the
    schedule means."""

    at: datetime
    local: datetime
    wall: datetime

    @property
    def shifted(self) -> bool:
        """A clock change skips the wall time."""
        return self.local.replace(tzinfo=None, fold=0) != self.wall


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A schedule with what it depends on: its zone, the last reset (`since`), and the starts queued already: the last
    one (`after`), and later ones (`taken`, in UTC), which are there when the clock was set back."""

    schedule: Schedule
    zone: ZoneInfo
    since: datetime
    after: datetime | None = None
    taken: Container[datetime] = frozenset()

    @property
    def earliest(self) -> datetime:
        """The end of the grace period, in UTC."""
        return self.since.astimezone(UTC) + GRACE

    def next_start(self, not_before: datetime | None = None) -> Start | None:
        """The next start to queue: the first one at or after the grace period's end that is not queued yet, and, if
        given, not before `not_before`. None when the schedule is manual. Raises ConfigError."""
        if self.schedule.mode == "manual":
            return None
        moment = max(self.earliest, not_before.astimezone(UTC)) if not_before is not None else self.earliest
        for start in starts(self.schedule, self.zone, moment):
            if (self.after is None or start.at > self.after.astimezone(UTC)) and start.at not in self.taken:
                return start
        return None

    def due_start(self, now: datetime) -> Start | None:
        """The start to queue now. Of several that were missed only the last; with `missed: wait` none of those whose
        window is over. Raises ConfigError."""
        first = self.next_start()
        if first is None or first.at > now:
            return None
        now, latest = now.astimezone(UTC), first
        for start in starts(self.schedule, self.zone, max(first.at, now - _LONGEST)):
            if start.at > now:
                break
            latest = start
        over = window_end(self.schedule, self.zone, latest) <= now
        return None if over and self.schedule.missed == "wait" else latest

    def next_sending(self, start: Start | None) -> Start | None:
        """The first of `start` and its followers that is on no blackout day."""
        found = start
        while found is not None and (blackout := blackout_on(self.schedule, found.local.date())):
            try:
                after = datetime.combine(to_day(blackout.to, "schedule.blackout") + _DAY, time())
            except OverflowError:
                return None
            found = self.next_start(not_before=first_moment(after, self.zone))
        return found


def starts(schedule: Schedule, zone: ZoneInfo, moment: datetime) -> Iterator[Start]:
    """Every window start at or after `moment`, each moment once. Raises ConfigError."""
    moment, before = moment.astimezone(UTC), None
    try:
        for wall in _walls(schedule, moment.astimezone(zone).date() - 3 * _DAY):
            at = first_moment(wall, zone)
            if at >= moment and at != before:
                before = at
                yield Start(at, at.astimezone(zone), wall)
    except OverflowError:  # the calendar ends
        return


def _walls(schedule: Schedule, day: date) -> Iterator[datetime]:
    """Window starts by the clock on the wall; those of `day` and later, from the first day on."""
    opens, _ = window(schedule)
    if schedule.start is not None:
        day = max(day, to_day(schedule.start, "schedule.start"))
    step = _DAY
    if schedule.every == "weekly":
        if schedule.weekday is None:
            raise ConfigError("schedule.weekday: a weekly schedule needs its day")
        day += (WEEKDAYS.index(schedule.weekday) - day.weekday()) % 7 * _DAY
        step = 7 * _DAY
    while True:
        yield datetime.combine(day, opens)
        if schedule.every == "12h":
            yield datetime.combine(day, opens) + _HALF_DAY
        day += step


def window(schedule: Schedule) -> tuple[time, time]:
    """When a window opens and closes; one that closes before it opens crosses midnight."""
    opens, _, closes = schedule.window.partition("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)


def window_end(schedule: Schedule, zone: ZoneInfo, start: Start) -> datetime:
    """In UTC. No deadline: it only says whether a start was missed. A window that closes when it opens lasts a day."""
    opens, closes = window(schedule)
    closing = datetime.combine(start.wall.date(), start.wall.time()) + _length(opens, closes)
    return first_moment(closing, zone)


def _length(opens: time, closes: time) -> timedelta:
    some_day = date(2000, 1, 1)
    return (datetime.combine(some_day, closes) - datetime.combine(some_day, opens)) % _DAY or _DAY


def blackout_on(schedule: Schedule, day: date) -> Blackout | None:
    """The blackout that the day belongs to, the one that lasts longest. Raises ConfigError."""
    place = "schedule.blackout"
    found = [one for one in schedule.blackout if to_day(one.from_, place) <= day <= to_day(one.to, place)]
    return max(found, key=lambda one: one.to, default=None)


class Timing(NamedTuple):
    """What makes a schedule another one. A blackout does not, nor what becomes of missed windows."""

    mode: str
    every: str
    weekday: str | None
    window: str
    start: str | None
    zone: str


def grade_schedule(settings: Settings) -> Schedule:
    """When grades go back by the clock. Blackout days are those of the organization."""
    own = settings.grades.schedule
    named = {name: getattr(own, name) for name in own.__struct_fields__}
    return Schedule(**named, blackout=settings.schedule.blackout)


def timing(settings: Settings, *, grades: bool = False) -> Timing:
    one = grade_schedule(settings) if grades else settings.schedule
    return Timing(one.mode, one.every, one.weekday, one.window, one.start, settings.organization.timezone)


def to_day(text: str, place: str) -> date:
    """A day written YYYY-MM-DD. Raises ConfigError that names the place."""
    try:
        if _ISO_DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ConfigError(f"{place}: must be a day that exists, such as 2026-11-23")


def schedule_problems(schedule: Schedule) -> Iterator[str]:
    """What is wrong beyond the shape, each with its place."""
    yield from clock_problems(schedule, "schedule")
    for number, one in enumerate(schedule.blackout):
        place = f"schedule.blackout.{number}"
        wrong = [*_day_problem(one.from_, f"{place}.from"), *_day_problem(one.to, f"{place}.to")]
        if not wrong and one.from_ > one.to:
            wrong = [f"{place}: from {one.from_} is after to {one.to}"]
        yield from wrong


def clock_problems(clockwork: Clockwork, place: str) -> Iterator[str]:
    """As `schedule_problems`, of what a schedule has beside blackout days."""
    if clockwork.every == "weekly" and clockwork.weekday is None:
        yield f"{place}.weekday: a weekly schedule needs its day, such as monday"
    if clockwork.start is not None:
        yield from _day_problem(clockwork.start, f"{place}.start")


def _day_problem(text: str, place: str) -> list[str]:
    try:
        to_day(text, place)
    except ConfigError as error:
        return [str(error)]
    return []
