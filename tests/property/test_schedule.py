"""Rule 29 as laws, over many time zones, clock changes, year ends and orders of events; an oracle counts minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rollbook.roster.schedule import WEEKDAYS, Clock, blackout_on, starts
from rollbook.roster.settings import Blackout, Schedule
from rollbook.roster.wall_clock import first_moment

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
ZONES = [
    "UTC", "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo", "America/Caracas",
    "America/Scoresbysund", "Europe/London", "Europe/Dublin", "Europe/Moscow", "Africa/Casablanca", "Africa/Cairo",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Gaza", "Asia/Pyongyang", "Australia/Lord_Howe", "Australia/Eucla",
    "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Antarctica/Troll",
]  # fmt: skip
#: Moments near which something odd happens to some clock.
ODD = [
    datetime(2026, 11, 1, 6), datetime(2027, 3, 14, 7), datetime(2026, 12, 31, 23), datetime(2028, 2, 29, 12),
    datetime(2011, 12, 30, 10), datetime(2027, 4, 3, 15), datetime(2026, 10, 3, 15, 30), datetime(2017, 10, 15, 3),
    datetime(2018, 2, 18, 2), datetime(2018, 11, 4, 3), datetime(2016, 5, 1, 7), datetime(2027, 2, 7, 2),
    datetime(2027, 3, 14, 2), datetime(2018, 5, 4, 15), datetime(2014, 10, 25, 22), datetime(2024, 3, 31, 1),
]  # fmt: skip

NOON = Schedule(mode="scheduled", window="12:00-13:00")

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.one_of(
    st.datetimes(datetime(2009, 1, 1), datetime(2036, 12, 31)),
    st.builds(lambda odd, off: odd + off, st.sampled_from(ODD), st.timedeltas(-3 * DAY, 3 * DAY)),
).map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC))
clock_times = st.one_of(
    st.sampled_from(["00:00", "00:30", "01:30", "02:00", "02:15", "02:30", "03:00", "12:00", "22:00", "23:59"]),
    st.times().map(lambda at: f"{at:%H:%M}"),
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    every = draw(st.sampled_from(["daily", "12h", "weekly"]))
    return Schedule(
        mode="scheduled",
        every=every,
        weekday=draw(st.sampled_from(WEEKDAYS)) if every == "weekly" else None,
        window=f"{draw(clock_times)}-{draw(clock_times)}",
        start=draw(st.one_of(st.none(), st.dates(date(2009, 1, 1), date(2037, 1, 1)).map(date.isoformat))),
    )


def _walls(schedule: Schedule, first: date, days: int) -> list[datetime]:
    """What the schedule means by the clock on the wall, worked out the slow way."""
    opens = time.fromisoformat(schedule.window[:5])
    found = []
    for day in (first + n * DAY for n in range(days)):
        if schedule.start is not None and day < date.fromisoformat(schedule.start):
            continue
        if schedule.every == "weekly" and f"{day:%A}".lower() != schedule.weekday:
            continue
        found.append(datetime.combine(day, opens))
        if schedule.every == "12h":
            found.append(datetime.combine(day, opens) + 12 * HOUR)
    return found


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


@given(zones, moments)
@example(ZoneInfo("Pacific/Apia"), datetime(2011, 12, 30, 9, 30, tzinfo=UTC))
@example(ZoneInfo("Australia/Lord_Howe"), datetime(2026, 10, 3, 15, 20, tzinfo=UTC))
def test_a_time_on_the_wall_is_the_first_minute_that_shows_it_or_more(zone: ZoneInfo, moment: datetime) -> None:
    """Counting minutes from two days before; a skipped time is the next minute, a doubled one its first."""
    wall = _wall(moment, zone).replace(second=0)
    minute = moment.replace(second=0) - 2 * DAY
    while _wall(minute, zone) < wall:
        minute += MINUTE
    assert first_moment(wall, zone) == minute


@pytest.mark.rule(29)
@given(schedules(), zones, moments)
@example(NOON, ZoneInfo("America/New_York"), datetime(2026, 10, 31, 17, tzinfo=UTC))  # 13:00, and a day of 25 hours
def test_next_is_the_first_window_start_after_the_grace_period(
    schedule: Schedule, zone: ZoneInfo, since: datetime
) -> None:
    """Never before since + 24 elapsed hours; a window start on the wall, or its next minute; nothing earlier fits."""
    start = Clock(schedule=schedule, zone=zone, since=since.astimezone(zone)).next_start()
    assert start is not None
    assert start.at - since >= 24 * HOUR
    assert start.local == start.at
    far = max(since.date(), date.fromisoformat(schedule.start or "0001-01-01"))
    walls = _walls(schedule, min(since.date(), far) - 3 * DAY, (far - since.date()).days + 15)
    assert start.wall in walls
    local = _wall(start.at, zone)
    assert local == start.wall or (start.shifted and local > start.wall)
    fitting = [at for at in (first_moment(wall, zone) for wall in walls) if at - since >= 24 * HOUR]
    assert start.at == min(fitting)


@given(schedules(), zones, moments, st.timedeltas(timedelta(0), 10 * DAY))
def test_a_later_reset_never_brings_an_earlier_run(
    schedule: Schedule, zone: ZoneInfo, since: datetime, more: timedelta
) -> None:
    first = Clock(schedule=schedule, zone=zone, since=since).next_start()
    later = Clock(schedule=schedule, zone=zone, since=since + more).next_start()
    assert first is not None
    assert later is not None
    assert first.at <= later.at


@given(schedules(), zones, moments)
def test_starts_go_forward_and_none_is_left_out(schedule: Schedule, zone: ZoneInfo, moment: datetime) -> None:
    """Two a day for 12h, one a day, one a week; the day that Samoa skipped falls together with the next one."""
    assume(schedule.start is None or date.fromisoformat(schedule.start) < moment.date() - 3 * DAY)
    until = moment + 30 * DAY
    found = [start.at for start in _until(schedule, zone, moment, until)]
    walls = _walls(schedule, moment.date() - 4 * DAY, 40)
    assert found == sorted({at for at in (first_moment(wall, zone) for wall in walls) if moment <= at <= until})


def _until(schedule: Schedule, zone: ZoneInfo, moment: datetime, until: datetime) -> list:
    found = []
    for start in starts(schedule, zone, moment):
        if start.at > until:
            return found
        found.append(start)
    return found


@pytest.mark.rule(29)
@settings(deadline=None)
@given(
    schedules(),
    zones,
    moments,
    st.lists(st.timedeltas(MINUTE, 7 * HOUR), min_size=20, max_size=60),
    st.sets(st.integers(0, 59), max_size=3),
)
def test_each_window_is_queued_once_however_often_it_is_asked(
    schedule: Schedule, zone: ZoneInfo, since: datetime, steps: list[timedelta], manual: set[int]
) -> None:
    """Time passes in steps shorter than the distance of two windows, with manual runs in between."""
    schedule = _begun(schedule, since)
    now, queued, wanted, after = since, [], [], None
    for number, step in enumerate(steps):
        due = Clock(schedule=schedule, zone=zone, since=since, after=after).due_start(now)
        for _ in range(2):  # asked again without anything queued, the answer is the same
            assert Clock(schedule=schedule, zone=zone, since=since, after=after).due_start(now) == due
        if due is not None:
            queued.append(due.at)
            after = due.at
            assert Clock(schedule=schedule, zone=zone, since=since, after=after).due_start(now) is None
        if number in manual:
            since = now
        fresh = [start.at for start in _until(schedule, zone, now + timedelta(seconds=1), now + step)]
        wanted += [at for at in fresh if at - since >= 24 * HOUR][-1:]
        now += step
    due = Clock(schedule=schedule, zone=zone, since=since, after=after).due_start(now)
    queued += [due.at] if due is not None else []
    assert queued == wanted


def _begun(schedule: Schedule, moment: datetime) -> Schedule:
    """Without a first day that the simulated weeks never reach."""
    far = schedule.start is not None and date.fromisoformat(schedule.start) > moment.date() + 10 * DAY
    known = {name: getattr(schedule, name) for name in ("mode", "every", "weekday", "window")}
    return Schedule(**known) if far else schedule


@pytest.mark.rule(29)
@given(schedules(), zones, moments, st.integers(2, 400))
def test_of_many_missed_windows_the_last_one_runs(
    schedule: Schedule, zone: ZoneInfo, since: datetime, days: int
) -> None:
    """The machine was off: one run at start-up, then the clock goes on as if nothing had been."""
    schedule = _begun(schedule, since)
    now = since + days * DAY
    missed = [start.at for start in _until(schedule, zone, since + DAY, now)]
    due = Clock(schedule=schedule, zone=zone, since=since).due_start(now)
    assert (due.at if due else None) == (missed[-1] if missed else None)
    following = Clock(schedule=schedule, zone=zone, since=since, after=due.at if due else None).next_start()
    assert following is not None
    assert following.at > now


@given(schedules(), zones, moments, st.dates(date(2009, 1, 1), date(2037, 1, 1)), st.integers(0, 30))
def test_what_sends_after_a_blackout_is_the_first_start_on_another_day(
    schedule: Schedule, zone: ZoneInfo, since: datetime, day: date, length: int
) -> None:
    near = day if day.year == since.year else since.date() + 2 * DAY
    dark = Blackout(from_=(near - DAY).isoformat(), to=(near + length * DAY).isoformat())
    clock = Clock(schedule=_with(_begun(schedule, since), dark), zone=zone, since=since)
    first = clock.next_start()
    found = clock.next_sending(first)
    assert first is not None
    assert found is not None
    for start in starts(clock.schedule, zone, first.at):
        if blackout_on(clock.schedule, start.local.date()) is None:
            assert start == found
            return


def _with(schedule: Schedule, dark: Blackout) -> Schedule:
    known = {name: getattr(schedule, name) for name in ("mode", "every", "weekday", "window", "start")}
    return Schedule(**known, blackout=(dark,))
