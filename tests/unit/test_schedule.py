"""The schedule by example: the vendor's own, midnight, clock changes, blackouts, missed windows; and its words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rollbook.errors import ConfigError
from rollbook.roster.schedule import Clock, schedule_problems
from rollbook.roster.schedule_words import outlook
from rollbook.roster.settings import Blackout, Schedule
from rollbook.roster.wall_clock import first_moment

NEW_YORK = ZoneInfo("America/New_York")


def _clock(since: str, zone: ZoneInfo = NEW_YORK, after: datetime | None = None, **settings: Any) -> Clock:
    found = Schedule(**{"mode": "scheduled", "window": "00:00-03:00", **settings})
    return Clock(schedule=found, zone=zone, since=_at(since, zone), after=after)


def _at(text: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    return first_moment(datetime.fromisoformat(text), zone)


def _next(since: str, zone: ZoneInfo = NEW_YORK, **settings: Any) -> str:
    start = _clock(since, zone, **settings).next_start()
    assert start is not None
    return start.local.isoformat(timespec="minutes")


@pytest.mark.rule(29)
def test_manual_on_monday_at_two_means_wednesday_at_midnight() -> None:
    """The guide's own example."""
    assert _next("2026-11-23T14:00") == "2026-11-25T00:00-05:00"


@pytest.mark.rule(29)
@pytest.mark.parametrize(
    ("since", "settings", "found"),
    [
        ("2026-11-23T00:00", {}, "2026-11-24T00:00-05:00"),  # exactly 24 hours is enough
        ("2026-11-23T00:01", {}, "2026-11-25T00:00-05:00"),
        ("2026-11-23T14:00", {"every": "12h"}, "2026-11-25T00:00-05:00"),
        ("2026-11-23T11:00", {"every": "12h"}, "2026-11-24T12:00-05:00"),
        ("2026-11-23T14:00", {"every": "12h", "window": "20:00-02:00"}, "2026-11-24T20:00-05:00"),
        ("2026-11-23T21:00", {"every": "12h", "window": "20:00-02:00"}, "2026-11-25T08:00-05:00"),
        ("2026-11-23T14:00", {"every": "weekly", "weekday": "tuesday"}, "2026-12-01T00:00-05:00"),
        ("2026-11-23T14:00", {"every": "weekly", "weekday": "wednesday"}, "2026-11-25T00:00-05:00"),
        ("2026-11-23T14:00", {"window": "22:00-02:00"}, "2026-11-24T22:00-05:00"),
        ("2026-11-23T14:00", {"start": "2026-12-06"}, "2026-12-06T00:00-05:00"),
        ("2026-11-23T14:00", {"start": "2026-12-06", "every": "12h", "window": "18:00-20:00"},
         "2026-12-06T18:00-05:00"),
        ("2026-12-30T14:00", {}, "2027-01-01T00:00-05:00"),
        ("2027-03-13T00:30", {"window": "00:30-02:00"}, "2027-03-14T00:30-05:00"),
        ("2027-03-13T12:00", {"window": "12:00-13:00"}, "2027-03-15T12:00-04:00"),  # a day of 23 hours is too short
        ("2026-10-31T13:00", {"window": "12:00-13:00"}, "2026-11-01T12:00-05:00"),  # one of 25 hours is longer
    ],
)  # fmt: skip
def test_next(since: str, settings: dict[str, Any], found: str) -> None:
    assert _next(since, **settings) == found


@pytest.mark.rule(29)
def test_a_skipped_start_is_the_next_minute_and_a_doubled_one_its_first() -> None:
    assert _next("2027-03-12T14:00", window="02:30-04:00") == "2027-03-14T03:00-04:00"
    assert _next("2026-10-30T14:00", window="01:30-04:00") == "2026-11-01T01:30-04:00"
    lord_howe, apia, sao_paulo = (ZoneInfo(n) for n in ("Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"))
    assert _next("2026-10-02T14:00", lord_howe, window="02:15-04:00") == "2026-10-04T02:30+11:00"
    assert _next("2011-12-28T14:00", apia, window="20:00-22:00") == "2011-12-29T20:00-10:00"
    assert _next("2011-12-28T21:00", apia, window="20:00-22:00") == "2011-12-31T00:00+14:00"
    assert _next("2018-11-02T14:00", sao_paulo) == "2018-11-04T01:00-02:00"


def test_a_doubled_hour_has_one_run() -> None:
    first = _at("2026-11-01T01:30")
    following = _clock("2026-10-20T00:00", window="01:30-04:00", after=first).next_start()
    assert following is not None
    assert following.local.isoformat() == "2026-11-02T01:30:00-05:00"


@pytest.mark.rule(29)
def test_a_missed_window_runs_at_start_up_or_waits() -> None:
    last = _at("2026-11-25T00:00")
    late = {"after": last, "since": "2026-11-23T14:00"}
    now = _at("2026-11-28T09:00")
    due = _clock(**late).due_start(now)
    assert due is not None
    assert due.local.day == 28
    assert _clock(**late, missed="wait").due_start(now) is None
    within = _clock(**late, missed="wait").due_start(_at("2026-11-28T02:59"))
    assert within == due
    over_midnight = _clock(**late, missed="wait", window="22:00-02:00")
    assert over_midnight.due_start(_at("2026-11-28T01:59")) is not None
    assert over_midnight.due_start(_at("2026-11-28T02:00")) is None


def test_a_start_that_was_queued_before_the_clock_was_set_back_is_not_queued_again() -> None:
    taken = Clock(
        schedule=Schedule(mode="scheduled"),
        zone=NEW_YORK,
        since=_at("2026-11-20T14:00"),
        after=_at("2026-11-24T00:00"),
        taken={_at("2026-11-25T00:00")},
    )
    following = taken.next_start()
    assert following is not None
    assert following.local.day == 26


def test_words_for_the_guides_example() -> None:
    seen = outlook(_clock("2026-11-23T14:00"))
    assert seen.why == (
        "the last manual run or saved schedule was on Monday, 23 November at 2:00 pm, and scheduled runs wait 24 hours "
        "after it, until Tuesday, 24 November at 2:00 pm. The next window (every day, 12:00 am to 3:00 am) begins on "
        "Wednesday, 25 November at 12:00 am."
    )


def test_words_say_what_a_clock_change_and_a_year_do() -> None:
    assert "A clock change skips that time, so it is Sunday, 14 March at 3:00 am" in (
        outlook(_clock("2027-03-12T14:00", window="02:30-04:00")).why
    )
    assert "Wednesday, 30 December 2026 at 2:00 pm" in outlook(_clock("2026-12-30T14:00")).why


def test_on_a_blackout_day_a_run_only_plans_and_the_words_say_when_something_is_sent() -> None:
    winter = Blackout(from_="2026-12-21", to="2027-01-01", why="winter break")
    seen = outlook(_clock("2026-12-20T14:00", blackout=(winter, Blackout(from_="2027-01-02", to="2027-01-02"))))
    assert seen.start is not None
    assert seen.sending is not None
    assert (seen.start.local.day, seen.sends) == (22, False)
    assert seen.sending.local.isoformat() == "2027-01-03T00:00:00-05:00"
    assert "winter break, Monday, 21 December 2026 to Friday, 1 January 2027" in seen.why
    assert "only plans" in seen.why
    assert "Sunday, 3 January 2027 at 12:00 am" in seen.why


def test_manual_and_never() -> None:
    assert outlook(_clock("2026-11-23T14:00", mode="manual")).start is None
    assert "manual" in outlook(_clock("2026-11-23T14:00", mode="manual")).why
    assert outlook(_clock("2026-11-23T14:00", start="9999-12-31", window="00:00-01:00")).start is not None
    assert outlook(_clock("9990-11-23T14:00", after=datetime(9999, 12, 31, 23, tzinfo=UTC))).start is None


def test_overdue_is_said() -> None:
    seen = outlook(_clock("2026-11-23T14:00"), at=_at("2026-11-27T09:00"))
    assert seen.overdue
    assert seen.start is not None
    assert seen.start.local.day == 27
    assert "No worker" in seen.why


def test_problems_name_their_place() -> None:
    blackouts = (
        Blackout(from_="2026-12-24", to="2026-12-21"),
        Blackout(from_="2026-02-30", to="20261221"),
        Blackout(from_="2026-12-24", to="2026-12-24"),
    )
    found = list(schedule_problems(Schedule(every="weekly", start="soon", blackout=blackouts)))
    assert [problem.partition(": ")[0] for problem in found] == [
        "schedule.weekday",
        "schedule.start",
        "schedule.blackout.0",
        "schedule.blackout.1.from",
        "schedule.blackout.1.to",
    ]
    with pytest.raises(ConfigError, match="weekday"):
        _next("2026-11-23T14:00", every="weekly")
