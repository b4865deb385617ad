"""Plan, sync, apply, undo, cancel, and what they leave to look at; on memory connections, through the command.

What writes or looks up in a way of its own runs on both databases.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, fill, open_store

BOTH = pytest.mark.usefixtures("database")


def _changes(run: dict) -> int:
    return sum(counts[name] for counts in run["kinds"].values() for name in ("create", "update", "remove"))


def test_a_plan_sends_nothing(rollbook: Command, world: Space) -> None:
    run = rollbook("plan", "maple")
    assert run["state"] == "planned"
    assert run["kinds"]["user"]["create"] > 40
    assert not world.all("user")
    assert run["ledger_version"] == 0


@BOTH
def test_sync_then_nothing_is_left_to_do(rollbook: Command, world: Space) -> None:
    first = rollbook("sync", "maple")
    assert first["state"] == "done"
    assert len(world.all("user")) == first["kinds"]["user"]["done"] == first["kinds"]["user"]["create"]
    assert len(world.passwords) == len(world.all("user"))
    second = rollbook("sync", "maple")
    assert _changes(second) == 0
    assert second["ledger_version"] == first["ledger_version"]


@BOTH
def test_changes_of_a_run_before_and_after(rollbook: Command, world: Space) -> None:
    rollbook("sync", "maple")
    users = [dict(row) for row in world.rows["users"]]
    student = next(row for row in users if row["role"] == "student")
    student["givenName"] = "Renamed"
    world.rows["users"] = users
    run = rollbook("plan", "maple")
    shown = rollbook("run", "changes", run["run"], schema="changes")
    assert len(shown["changes"]) == 1
    [change] = shown["changes"]
    assert (change["kind"], change["action"], change["key"]) == ("user", "update", student["sourcedId"])
    assert change["after"] == {"first_name": "Renamed"}
    assert set(change["before"]) == {"first_name"}


def test_changes_can_be_filtered_and_limited(rollbook: Command, world: Space) -> None:
    run = rollbook("plan", "maple")["run"]
    users = rollbook("run", "changes", run, "--kind", "user", schema="changes")["changes"]
    assert {row["kind"] for row in users} == {"user"}
    assert len(rollbook("run", "changes", run, "--limit", "3", schema="changes")["changes"]) == 3
    assert not rollbook("run", "changes", run, "--action", "remove", schema="changes")["changes"]
    school = users[0]["school"]
    at_school = rollbook("run", "changes", run, "--school", school, schema="changes")["changes"]
    assert {row["school"] for row in at_school} == {school}
    seen = [row["seq"] for row in rollbook("run", "changes", run, schema="changes")["changes"]]
    assert seen == sorted(seen)


@BOTH
def test_a_stored_plan_is_applied_once(rollbook: Command, world: Space) -> None:
    planned = rollbook("plan", "maple")
    applied = rollbook("run", "apply", planned["run"])
    assert applied["state"] == "done"
    assert applied["applies"] == planned["run"]
    assert len(world.all("enrollment")) == planned["kinds"]["enrollment"]["create"]
    error = rollbook("run", "apply", planned["run"], schema="error", code=1)
    assert error["error"]["error"] == "StalePlan"


def test_a_plan_is_stale_after_new_settings(rollbook: Command, world: Space, tmp_path: Path) -> None:
    planned = rollbook("plan", "maple")
    file = tmp_path / "maple.yaml"
    file.write_text(file.read_text() + "sections: {title: '{code}'}\n")
    rollbook("config", "import", str(file), schema="config-import")
    rollbook("run", "apply", planned["run"], schema="error", code=1)
    assert not world.all("user")


@pytest.mark.rule(28)
@BOTH
def test_undo_takes_back_what_a_run_did(rollbook: Command, world: Space, days: list[Path]) -> None:
    rollbook("sync", "maple")
    before = {(one.code, str(one.fields)) for one in world.all("enrollment")}
    fill(world, days[1])
    second = rollbook("sync", "maple")
    assert _changes(second)
    undone = rollbook("run", "undo", second["run"])
    assert undone["undo_of"] == second["run"]
    assert {(one.code, str(one.fields)) for one in world.all("enrollment")} == before
    assert undone["conflicts"]  # users that were created stay


def test_kinds_and_schools_narrow_a_run(rollbook: Command, world: Space) -> None:
    run = rollbook("sync", "maple", "--kind", "users")
    assert set(run["kinds"]) == {"building", "user", "guardian_link"}
    assert world.all("user")
    assert not world.all("course")
    schools = [row["sourcedId"] for row in world.rows["orgs"] if row["type"] == "school"]
    run = rollbook("plan", "maple", "--kind", "courses", "--school", schools[0])
    assert run["schools"] == [schools[0]]


@BOTH
def test_equal_queued_runs_become_one(rollbook: Command, world: Space) -> None:
    from rollbook.actions.runs import Wanted, request_run

    with open_store(rollbook.data):
        one = request_run(org="maple", wanted=Wanted(), by="test")
        two = request_run(org="maple", wanted=Wanted(), by="test")
        other = request_run(org="maple", wanted=Wanted(dry_run=True), by="test")
    assert one.pk == two.pk != other.pk


@BOTH
def test_a_queued_run_is_cancelled_at_once(rollbook: Command, world: Space) -> None:
    from rollbook.actions.runs import Wanted, request_run

    with open_store(rollbook.data):
        run = request_run(org="maple", wanted=Wanted(), by="test")
    assert rollbook("run", "cancel", run.pk)["state"] == "cancelled"
    error = rollbook("run", "cancel", run.pk, schema="error", code=2)
    assert "already ended" in error["error"]["message"]
    assert not world.all("user")


def test_runs_lists_the_newest_first(rollbook: Command, world: Space) -> None:
    ids = [rollbook("plan", "maple")["run"] for _ in range(3)]
    assert [one["run"] for one in rollbook("runs", "maple", schema="runs")["runs"]] == ids[::-1]
    assert len(rollbook("runs", "--limit", "1", schema="runs")["runs"]) == 1
    assert rollbook("run", "show", ids[0])["run"] == ids[0]


@BOTH
def test_findings_by_cause_with_their_fix(rollbook: Command, world: Space) -> None:
    users = [dict(row) for row in world.rows["users"]]
    users[0]["username"] = "two words"
    world.rows["users"] = users
    run = rollbook("plan", "maple")
    assert run["findings"]["USER_USERNAME_SPACE"] == 1
    groups = rollbook("run", "findings", run["run"], "--code", "USER_USERNAME_SPACE", schema="findings")["findings"]
    assert groups[0]["count"] == 1
    assert groups[0]["examples"][0]["id"] == users[0]["sourcedId"]
    assert groups[0]["fix"]
    shown = rollbook.text("run", "findings", run["run"])
    assert groups[0]["fix"] in " ".join(shown.out.split())


def test_people_get_tables(rollbook: Command, world: Space) -> None:
    shown = rollbook.text("sync", "maple")
    assert shown.code == 0
    assert "done" in shown.out
    assert "enrollment" in shown.out
    assert "sync" in rollbook.text("runs").out


def test_every_action_leaves_an_audit_row(rollbook: Command, world: Space) -> None:
    run = rollbook("plan", "maple")["run"]
    rollbook("run", "apply", run)
    from rollbook.store.models import AuditRow

    with open_store(rollbook.data):
        rows = list(AuditRow.objects.values_list("action", "by"))
    assert rows == [("import settings", "operator"), ("request plan", "operator"), ("request apply", "operator")]
