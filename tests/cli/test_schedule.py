"""`rollbook schedule …` as a person types it, and days on which nothing is sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, open_store

NEW_YORK = ZoneInfo("America/New_York")
EXPLAIN = ("schedule", "explain", "--every", "daily", "--window", "00:00-03:00", "--timezone", "America/New_York")


def _explained(rollbook: Command, *arguments: str) -> dict:
    return rollbook("schedule", "explain", *arguments, schema="schedule-explain")


@pytest.mark.rule(29)
def test_explain_the_guides_example(rollbook: Command) -> None:
    found = rollbook(*EXPLAIN, "--since", "2026-11-23T14:00", schema="schedule-explain")
    assert found["next"] == "2026-11-25T00:00:00-05:00"
    assert "Monday, 23 November at 2:00 pm" in found["why"]
    people = rollbook.text(*EXPLAIN, "--since", "2026-11-23 14:00").out
    assert people.startswith("Next sync is queued on Wednesday, 25 November at 12:00 am (America/New_York), because ")


def test_explain_needs_no_data_folder(tmp_path: Path) -> None:
    Command(tmp_path / "none")(*EXPLAIN, "--since", "2026-11-23T14:00", schema="schedule-explain")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--every", "12h", "--window", "22:00-02:00", "--since", "2026-11-23T21:00"), "2026-11-24T22:00:00-05:00"),
        (("--every", "weekly", "--weekday", "monday", "--since", "2026-11-23T14:00"), "2026-11-30T00:00:00-05:00"),
        (("--every", "daily", "--start", "2026-12-24", "--since", "2026-11-23T14:00"), "2026-12-24T00:00:00-05:00"),
        (("--since", "2026-11-01T01:30", "--window", "01:00-02:00"), "2026-11-02T01:00:00-05:00"),  # the first 1:30
        (("--since", "2026-11-23T14:00:00-08:00", "--window", "17:00-18:00"), "2026-11-24T17:00:00-05:00"),
        (("--since", "2027-03-12T14:00", "--window", "02:30-03:00"), "2027-03-14T03:00:00-04:00"),
    ],
)
def test_explain(rollbook: Command, arguments: tuple[str, ...], found: str) -> None:
    assert _explained(rollbook, "--timezone", "America/New_York", *arguments)["next"] == found


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--timezone", "America/Gotham", "--since", "2026-11-23T14:00"), "America/Gotham"),
        (("--timezone", "UTC", "--since", "Monday at two"), "--since"),
        (("--timezone", "UTC", "--since", "2026-11-23T14:00", "--window", "25:00-03:00"), "schedule.window"),
        (("--timezone", "UTC", "--since", "2026-11-23T14:00", "--every", "weekly"), "schedule.weekday"),
        (("--timezone", "UTC", "--since", "2026-11-23T14:00", "--start", "2026-02-30"), "schedule.start"),
    ],
)
def test_what_is_wrong_is_named(rollbook: Command, arguments: tuple[str, ...], word: str) -> None:
    error = rollbook("schedule", "explain", *arguments, schema="error", code=2)["error"]
    assert error["error"] == "ConfigError"
    assert word in error["message"]


def _settings(rollbook: Command, tmp_path: Path, more: str) -> None:
    file = tmp_path / "maple.yaml"
    before = file.read_text().partition("schedule:")[0]
    file.write_text(f"{before}schedule: {{{more}}}\n")
    rollbook("config", "import", str(file), schema="config-import")


def _shown(rollbook: Command, *arguments: str) -> dict:
    return rollbook("schedule", "show", "maple", *arguments, schema="schedule-show")


def test_show_follows_the_settings(rollbook: Command, world: Space, tmp_path: Path) -> None:
    assert _shown(rollbook)["next"] is None
    assert "the schedule is manual" in rollbook.text("schedule", "show", "maple").out
    _settings(rollbook, tmp_path, 'mode: scheduled, window: "00:00-03:00"')
    shown = _shown(rollbook)
    earliest, found = datetime.fromisoformat(shown["earliest"]), datetime.fromisoformat(shown["next"])
    assert timedelta(0) <= found - earliest < timedelta(hours=25)
    assert (found.astimezone(NEW_YORK).hour, shown["sends"], shown["overdue"]) == (0, True, False)
    assert "The last change of the schedule was on" in shown["why"]
    assert _shown(rollbook, "--at", "2099-07-01T12:00")["next"] == "2099-07-02T00:00:00-04:00"
    rollbook("sync", "maple")
    assert "The last manual run was on" in _shown(rollbook)["why"]
    assert rollbook.text("schedule", "show", "maple").out.startswith("Next sync is queued on ")


def _days(before: int, after: int) -> str:
    today = datetime.now(NEW_YORK).date()
    return f"{{from: {today - timedelta(before)}, to: {today + timedelta(after)}, why: inventory}}"


def test_on_a_blackout_day_a_sync_only_plans_and_says_so(rollbook: Command, world: Space, tmp_path: Path) -> None:
    _settings(rollbook, tmp_path, f"mode: manual, blackout: [{_days(1, 1)}]")
    run = rollbook("sync", "maple")
    assert (run["state"], run["dry_run"]) == ("planned", True)
    assert run["blackout"].startswith("inventory, ")
    assert run["kinds"]["user"]["create"] > 40
    assert not world.all("user")
    answer = rollbook.text("sync", "maple")
    assert "Today is a blackout day (inventory, " in answer.err
    assert "--despite-blackout" in answer.out
    assert not world.all("user")


def test_a_stored_plan_and_an_undo_wait_too_unless_somebody_insists(
    rollbook: Command, world: Space, tmp_path: Path
) -> None:
    sent = rollbook("sync", "maple", "--kind", "setup")
    _settings(rollbook, tmp_path, f"mode: manual, blackout: [{_days(0, 1)}]")
    there = len(world.all("building"))
    assert rollbook("run", "undo", sent["run"])["state"] == "planned"
    planned = rollbook("plan", "maple")["run"]
    error = rollbook("run", "apply", planned, schema="error", code=2)["error"]
    assert "today is a blackout day (inventory, " in error["message"]
    assert len(world.all("building")) == there
    assert not world.all("user")
    assert rollbook("run", "apply", planned, "--despite-blackout")["state"] == "done"
    assert rollbook("sync", "maple", "--despite-blackout")["state"] == "done"
    assert world.all("user")


def test_a_run_that_waited_into_a_blackout_day_only_plans(rollbook: Command, world: Space, tmp_path: Path) -> None:
    """It was asked for yesterday; nothing worked the queue until today."""
    from rollbook.actions.runs import Wanted, request_run
    from rollbook.store.models import Run

    with open_store(rollbook.data):
        asked = request_run(org="maple", wanted=Wanted(kinds=["users"]), by="operator").pk
    _settings(rollbook, tmp_path, f"mode: manual, blackout: [{_days(0, 3)}]")
    rollbook("plan", "maple")
    with open_store(rollbook.data):
        run = Run.objects.get(pk=asked)
        assert (run.state, run.dry_run) == ("planned", True)
        assert run.blackout.startswith("inventory, ")
    assert not world.all("user")


def test_outside_the_blackout_everything_is_sent(rollbook: Command, world: Space, tmp_path: Path) -> None:
    _settings(rollbook, tmp_path, f"mode: manual, blackout: [{_days(9, -2)}, {_days(-2, 9)}]")
    assert rollbook("sync", "maple")["state"] == "done"
    assert world.all("user")


@pytest.mark.parametrize(
    ("schedule", "place"),
    [
        ("every: weekly", "schedule.weekday"),
        ("start: 2026-13-01", "schedule.start"),
        ("blackout: [{from: 2026-12-24, to: 2026-12-20}]", "schedule.blackout.0"),
        ("blackout: [{from: 2026-12-24, to: 2026-12-25}, {from: Friday, to: 2026-12-25}]", "schedule.blackout.1.from"),
        ("blackout: [{from: 2026-12-24}]", "schedule.blackout.0"),
        ("missed: never", "schedule.missed"),
    ],
)
def test_wrong_settings_name_their_place(
    rollbook: Command, world: Space, tmp_path: Path, schedule: str, place: str
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text((tmp_path / "maple.yaml").read_text() + f"schedule: {{mode: scheduled, {schedule}}}\n")
    error = rollbook("config", "check", str(file), schema="error", code=2)["error"]
    assert f"{place}: " in error["message"]
