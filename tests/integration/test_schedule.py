"""The clock's memory: what resets it, what does not, and that no start is queued twice (rule 29)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rollbook.actions.runs import Wanted, cancel_run, request_run
from rollbook.actions.schedule import queue_due, show_schedule
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.roster.lms import KINDS
from rollbook.store.models import AuditRow, QueuedSlot, Run, ScheduleRow, SettingsVersion
from tests.cli.kit import SETTINGS, open_store

NEW_YORK = ZoneInfo("America/New_York")
DAILY = 'schedule: {mode: scheduled, window: "00:00-03:00"}\n'


class Town:
    """An organization on a clock that the test sets. `ask` is what a worker does every few seconds."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = datetime(2026, 11, 20, 9, tzinfo=UTC)
        patch.setattr(timezone, "now", lambda: self.now)

    def at(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)

    def ask(self) -> list[Run]:
        return queue_due(now=self.now)

    def save(self, more: str = DAILY, *, slug: str = "maple", by: str = "operator", zone: str = "New_York") -> None:
        text = SETTINGS.replace("SPACE", "town").replace("maple", slug).replace("New_York", zone) + more
        import_settings(text, name="maple.yaml", around=Surroundings({}, Path()), by=by)
        self.ask()

    def sync(self, **wanted: Any) -> Run:
        run = request_run(org="maple", wanted=Wanted(**wanted), by="operator")
        self.ask()
        return run

    def next(self) -> str:
        """The next queue time, as New York's clocks show it."""
        start = show_schedule(org="maple").outlook.start
        assert start is not None
        return f"{start.at.astimezone(NEW_YORK):%a %d %H:%M}"


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    with _opened(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def busy_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str) -> Iterator[Town]:
    """The same, in each kind of database: here many ask at once, and the databases have locks of their own."""
    with _opened(tmp_path, monkeypatch) as found:
        yield found


@contextmanager
def _opened(path: Path, patch: pytest.MonkeyPatch) -> Iterator[Town]:
    with open_store(path):
        found = Town(patch)
        found.at("2026-11-20T10:00")
        found.save()
        yield found


@pytest.mark.rule(29)
def test_manual_on_monday_at_two_means_wednesday_at_midnight(town: Town) -> None:
    """The guide's example, through the database: nothing on Tuesday, one sync of everything on Wednesday."""
    town.at("2026-11-23T14:00")
    town.sync(kinds=["users"])
    assert town.next() == "Wed 25 00:00"
    for moment in ("2026-11-24T00:00", "2026-11-24T14:00", "2026-11-24T23:59"):
        town.at(moment)
        assert not town.ask()
    town.at("2026-11-25T00:00")
    [run] = town.ask()
    assert (run.requested_by, run.kinds, run.schools, run.dry_run) == ("schedule", list(KINDS), [], False)
    assert AuditRow.objects.filter(by="schedule", action="request scheduled sync", subject=run.pk).count() == 1
    assert not town.ask()
    assert town.next() == "Thu 26 00:00"


@pytest.mark.rule(29)
@pytest.mark.parametrize(
    "event",
    [
        lambda town: town.sync(),
        lambda town: cancel_run(run_id=town.sync().pk, by="Ann"),
        lambda town: (town.sync(), town.sync()),  # the second is the first, which is queued already
        lambda town: town.save('schedule: {mode: scheduled, window: "00:00-04:00"}\n'),
        lambda town: (town.save("schedule: {mode: manual}\n"), town.save()),
        lambda town: town.save(zone="Detroit"),
    ],
    ids=["sync", "cancelled", "coalesced", "window", "off and on", "zone"],
)
def test_what_resets_the_grace_period(town: Town, event: Callable[[Town], Any]) -> None:
    town.at("2026-11-22T00:01")
    town.ask()
    assert town.next() == "Mon 23 00:00"
    event(town)
    assert town.next() == "Tue 24 00:00"


@pytest.mark.rule(29)
@pytest.mark.parametrize(
    "event",
    [
        lambda town: town.save(),
        lambda town: town.save('schedule: {window: "00:00-03:00", every: daily, mode: scheduled, missed: run}\n'),
        lambda town: town.sync(dry_run=True),
        lambda town: town.save(DAILY + "limits: {remove: {percent: 5, from: 1}}\n"),
        lambda town: town.save(DAILY.replace("}", ", missed: wait}")),
        lambda town: town.save(DAILY.replace("}", ", blackout: [{from: 2027-02-01, to: 2027-02-05}]}")),
    ],
    ids=["same", "same in other words", "dry run", "other settings", "missed", "blackout"],
)
def test_what_does_not_reset_it(town: Town, event: Callable[[Town], Any]) -> None:
    town.at("2026-11-22T00:01")
    town.ask()
    event(town)
    assert town.next() == "Mon 23 00:00"


def test_a_scheduled_run_does_not_reset_it(town: Town) -> None:
    town.save('schedule: {mode: scheduled, every: 12h, window: "00:00-03:00"}\n')
    town.at("2026-11-22T00:00")
    assert town.ask()
    town.at("2026-11-22T12:00")
    Run.objects.update(state="done")
    assert town.ask()


def test_an_undo_resets_it_and_an_approval_does_not(town: Town) -> None:
    from rollbook.actions.holds import approve_hold
    from rollbook.actions.runs import request_undo
    from rollbook.store.models import HoldRow, SliceIntent

    town.at("2026-11-22T00:01")
    [run] = town.ask()
    Run.objects.update(state="held", plan={"digest": "a"})
    SliceIntent.objects.create(run=run, plan="a", number=0, first_seq=0, last_seq=1)
    HoldRow.objects.create(
        organization=run.organization, run=run, hold="h", reason="limit", kind="user", action="update", school=None,
        count=1, of=1, changes="blob",
    )  # fmt: skip
    approve_hold(hold_id="h", by="Ann", reason="fine")
    assert town.next() == "Mon 23 00:00"
    request_undo(run_id=run.pk, by="Ann", dry_run=True)
    assert town.next() == "Mon 23 00:00"
    request_undo(run_id=run.pk, by="Ann")
    assert town.next() == "Tue 24 00:00"


@pytest.mark.rule(29)
def test_a_machine_that_was_off_for_a_month_makes_up_once(town: Town) -> None:
    town.at("2026-12-20T09:00")
    assert show_schedule(org="maple").outlook.overdue
    assert len(town.ask()) == 1
    assert not town.ask()
    assert town.next() == "Mon 21 00:00"
    assert Run.objects.count() == QueuedSlot.objects.count() == 1


def test_or_waits_for_the_next_window(town: Town) -> None:
    town.save(DAILY.replace("}", ", missed: wait}"))
    town.at("2026-12-20T09:00")
    assert not town.ask()
    assert town.next() == "Mon 21 00:00"
    town.at("2026-12-21T02:59")
    assert len(town.ask()) == 1


def test_an_equal_queued_run_serves_the_start(town: Town) -> None:
    town.at("2026-11-22T00:00")
    [first] = town.ask()
    town.at("2026-11-23T00:00")
    [second] = town.ask()
    assert first == second
    assert QueuedSlot.objects.filter(run=first).count() == 2
    Run.objects.update(state="running")
    town.at("2026-11-24T00:00")
    [third] = town.ask()
    assert third != first  # a running one may have read the SIS already


@pytest.mark.rule(29)
def test_a_clock_that_is_set_back_queues_nothing_twice_and_stops_nothing(town: Town) -> None:
    town.at("2026-11-22T00:01")
    assert town.ask()
    town.at("2026-11-21T22:00")
    assert not town.ask()
    assert town.next() == "Mon 23 00:00"
    town.at("2026-11-22T00:01")
    assert not town.ask()
    town.at("2026-11-23T00:00")
    assert town.ask()
    town.at("2036-11-23T12:00")  # ten years ahead by mistake: a manual run, a scheduled run
    town.sync()
    town.at("2036-11-25T00:00")
    assert town.ask()
    town.at("2026-11-23T13:00")
    assert not town.ask()
    assert town.next() == "Wed 25 00:00"  # 24 hours from when the clock was put right
    town.at("2026-11-25T00:00")
    assert town.ask()


def test_two_clocks_at_the_same_instant_queue_one_run(busy_town: Town) -> None:
    found: list[Run] = []
    for done, day in enumerate((22, 23, 24), start=1):
        busy_town.at(f"2026-11-{day}T00:00")
        _at_once(*[lambda: found.extend(queue_due(now=busy_town.now))] * 6)
        assert len(found) == Run.objects.count() == QueuedSlot.objects.count() == done
        Run.objects.update(state="done")


def test_two_schedules_saved_at_once_are_two_versions_one_after_the_other(busy_town: Town) -> None:
    def save(hour: int) -> Callable[[], None]:
        text = f'schedule: {{mode: scheduled, window: "0{hour}:00-0{hour}:30"}}\n'
        return lambda: busy_town.save(text, by=f"person {hour}")

    _at_once(*[save(hour) for hour in (1, 2, 3, 4)])
    versions = list(SettingsVersion.objects.order_by("number"))
    assert [version.number for version in versions] == [1, 2, 3, 4, 5]
    for version in versions[1:]:
        assert version.document["schedule"]["window"][1] == version.by[-1]
    last = versions[-1].document["schedule"]["window"][:5]
    assert busy_town.next().endswith(last)


def test_a_schedule_saved_while_the_clock_asks_leaves_one_of_the_two_orders(busy_town: Town) -> None:
    busy_town.at("2026-11-22T00:00")
    found: list[Run] = []
    save = 'schedule: {mode: scheduled, window: "05:00-05:30"}\n'
    _at_once(lambda: found.extend(queue_due(now=busy_town.now)), lambda: busy_town.save(save))
    assert Run.objects.count() == len(found) <= 1, "due before it was saved, or put off by it"
    assert busy_town.next() == "Mon 23 05:00"


def _at_once(*works: Callable[[], object]) -> None:
    """Each in a thread with an open connection, all let go at one moment."""
    ready = threading.Barrier(len(works), timeout=60)

    def do(work: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            ready.wait()
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_on_a_blackout_day_the_clock_queues_a_plan_and_sends_after_it(town: Town) -> None:
    town.save(DAILY.replace("}", ", blackout: [{from: 2026-11-22, to: 2026-11-23, why: inventory}]}"))
    shown = show_schedule(org="maple").outlook
    assert (shown.sends, shown.sending is not None and shown.sending.local.day) == (False, 24)
    sends = []
    for day in (22, 23, 24):
        town.at(f"2026-11-{day}T00:00")
        [run] = town.ask()
        sends.append((not run.dry_run, run.blackout[:9]))
        Run.objects.update(state="done")
        town.sync(dry_run=day == 24)  # on the blackout days it only plans, so it resets nothing
        Run.objects.update(state="done")
    assert sends == [(False, "inventory"), (False, "inventory"), (True, "")]


def test_asking_costs_one_query_when_nothing_is_due(town: Town) -> None:
    town.save("schedule: {mode: manual}\n", slug="oak")
    town.at("2026-11-21T00:00")
    with CaptureQueriesContext(connection) as queries:
        assert not town.ask()
    assert len(queries) == 1


def test_one_organizations_trouble_does_not_keep_the_others_waiting(town: Town) -> None:
    town.save(slug="oak")
    broken = SettingsVersion.objects.get(organization__slug="maple")
    broken.document["schedule"]["every"] = "weekly"  # as an earlier release would have stored it, without its day
    broken.save()
    town.at("2026-11-22T00:00")
    assert [run.organization.slug for run in town.ask()] == ["oak"]
    assert not town.ask()
    assert request_run(org="maple", wanted=Wanted(), by="operator")


def test_an_upgrade_begins_with_a_grace_period(town: Town) -> None:
    from importlib import import_module

    from django.apps import apps
    from django.db import connection as schema

    ScheduleRow.objects.all().delete()
    town.at("2026-11-25T14:00")
    import_module("rollbook.store.migrations.0003_schedule_rows").begin(apps, schema)
    assert not town.ask()
    assert town.next() == "Fri 27 00:00"


def test_what_will_be_next_at_another_moment(town: Town) -> None:
    at = town.now + timedelta(days=10)
    start = show_schedule(org="maple", at=at).outlook.start
    assert start is not None
    assert at < start.at < at + timedelta(days=1)
