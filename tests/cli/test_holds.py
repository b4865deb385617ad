"""What goes beyond a limit waits for a person; approving plans afresh (rules 25, 26).

What writes in a way of its own runs on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, open_store
from tests.cli.once import once

BOTH = pytest.mark.usefixtures("database")


@pytest.fixture
def held(rollbook: Command, world: Space, tmp_path: Path) -> dict:
    """One section lost its students over night, and no removal is allowed without a person."""

    def make() -> dict:
        file = tmp_path / "maple.yaml"
        file.write_text(file.read_text() + "limits: {remove: {percent: 0, from: 1}}\n")
        rollbook("config", "import", str(file), schema="config-import")
        rollbook("sync", "maple")
        rows = [dict(row) for row in world.rows["enrollments"]]
        students = [row for row in rows if row["role"] == "student"]
        gone = {row["sourcedId"] for row in students if row["classSourcedId"] == students[0]["classSourcedId"]}
        world.rows["enrollments"] = [row for row in rows if row["sourcedId"] not in gone]
        return rollbook("sync", "maple", code=3)

    return once(rollbook.data, world, "held", make)


@pytest.mark.rule(25)
def test_what_is_above_a_limit_is_held(rollbook: Command, held: dict) -> None:
    assert held["state"] == "held"
    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert (hold["kind"], hold["action"], hold["state"]) == ("enrollment", "remove", "waiting")
    assert hold["count"] == held["kinds"]["enrollment"]["held"] > 0
    assert hold["hold"] in rollbook.text("run", "show", held["run"]).out


@BOTH
@pytest.mark.rule(26)
def test_approving_plans_afresh_and_is_used_up(rollbook: Command, world: Space, held: dict) -> None:
    from rollbook.store.models import PermitRow

    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    there = len(world.all("enrollment"))
    run = rollbook("hold", "approve", hold["hold"], "--by", "Ann", "--reason", "they moved")
    assert run["run"] != held["run"]
    assert run["approved"] == hold["hold"]
    assert run["kinds"]["enrollment"]["done"] == hold["count"]
    assert len(world.all("enrollment")) == there - hold["count"]
    assert not rollbook("hold", "list", "maple", schema="holds")["holds"]
    with open_store(rollbook.data):
        assert PermitRow.objects.get().used_at is not None


@pytest.mark.rule(26)
def test_only_what_was_looked_at_passes(rollbook: Command, world: Space, held: dict) -> None:
    """Another student leaves between the look and the approval: that one waits."""
    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    rows = list(world.rows["enrollments"])
    rows.remove(next(row for row in rows if row["role"] == "student"))
    world.rows["enrollments"] = rows
    run = rollbook("hold", "approve", hold["hold"], "--by", "Ann", "--reason", "they moved", code=3)
    assert run["kinds"]["enrollment"]["done"] == hold["count"]
    assert run["kinds"]["enrollment"]["held"] == 1


@BOTH
def test_rejecting_keeps_them_and_stays_decided(rollbook: Command, world: Space, held: dict) -> None:
    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    there = len(world.all("enrollment"))
    decided = rollbook("hold", "reject", hold["hold"], "--by", "Ann", "--reason", "a mistake", schema="hold")
    assert (decided["state"], decided["by"], decided["why"]) == ("rejected", "Ann", "a mistake")
    rollbook("hold", "reject", hold["hold"], "--by", "Ann", "--reason", "twice", schema="error", code=2)
    rollbook("sync", "maple", code=3)
    assert not rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert len(world.all("enrollment")) == there
    run = rollbook("hold", "approve", hold["hold"], "--by", "Bob", "--reason", "no mistake after all")
    assert run["state"] == "done"


@BOTH
def test_a_newer_plan_supersedes_what_was_held(rollbook: Command, held: dict) -> None:
    rollbook("sync", "maple", code=3)
    found = rollbook("hold", "list", "maple", "--all", schema="holds")["holds"]
    assert [one["state"] for one in found] == ["superseded", "waiting"]


def test_an_approval_ends_at_its_time(rollbook: Command, world: Space, held: dict) -> None:
    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    past = ("--by", "Ann", "--reason", "x", "--until", "2020-01-01")
    rollbook("hold", "approve", hold["hold"], *past, schema="error", code=2)
    rollbook("hold", "approve", "nothing", "--by", "Ann", "--reason", "x", schema="error", code=2)


def test_sending_a_stored_plan_leaves_its_holds_to_people(rollbook: Command, world: Space, held: dict) -> None:
    planned = rollbook("plan", "maple", code=3)
    before = rollbook("hold", "list", "maple", schema="holds")["holds"]
    rollbook("run", "apply", planned["run"])
    assert rollbook("hold", "list", "maple", schema="holds")["holds"] == before != []


@BOTH
def test_what_is_no_longer_kept_cannot_be_approved(rollbook: Command, held: dict) -> None:
    from rollbook.store.models import HoldRow, PermitRow

    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    with open_store(rollbook.data):
        HoldRow.objects.update(changes="")
    approve = ("hold", "approve", hold["hold"], "--by", "Ann", "--reason", "they moved")
    rollbook(*approve, schema="error", code=2)
    with open_store(rollbook.data):
        assert not PermitRow.objects.exists()


@pytest.mark.rule(26)
def test_other_changes_are_asked_about_although_their_number_is_the_same(
    rollbook: Command, world: Space, held: dict
) -> None:
    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    rejected = [dict(row) for row in world.rows["enrollments"]]
    rollbook("hold", "reject", hold["hold"], "--by", "Ann", "--reason", "a mistake", schema="hold")
    rows = [dict(row) for row in rejected]
    back = next(change["key"] for change in removals(rollbook, held))
    clazz, user = back.split("|")
    other = next(r for r in rows if r["role"] == "student" and r["schoolSourcedId"] == hold["school"])
    world.rows["enrollments"] = [row for row in rows if row is not other] + [
        other | {"sourcedId": "back", "classSourcedId": clazz, "userSourcedId": user}
    ]
    run = rollbook("sync", "maple", code=3)
    [asked] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert (asked["hold"], asked["count"], asked["state"]) == (hold["hold"], hold["count"], "waiting")
    assert back not in {change["key"] for change in removals(rollbook, run)}
    world.rows["enrollments"] = rejected
    rollbook("sync", "maple", code=3)
    assert not rollbook("hold", "list", "maple", schema="holds")["holds"], "the first answer still holds for the first"


def removals(rollbook: Command, run: dict) -> list[dict]:
    shown = rollbook("run", "changes", run["run"], "--action", "remove", schema="changes")["changes"]
    return [change for change in shown if change["state"] == "held"]


@BOTH
@pytest.mark.rule(26)
def test_all_that_waits_is_decided_at_once(rollbook: Command, world: Space, held: dict) -> None:
    """Two holds, one of removals and one of a role: both pass, or neither."""
    users = [dict(row) for row in world.rows["users"]]
    student = next(row for row in users if row["role"] == "student")
    student["role"] = "teacher"
    world.rows["users"] = users
    rollbook("sync", "maple", code=3)
    both = rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert {hold["reason"] for hold in both} == {"limit", "staff_role"}
    decide = ("--all", "--org", "maple", "--by", "Ann", "--reason", "looked at both")
    rollbook("hold", "approve", "--all", *decide[3:], schema="error", code=2)
    run = rollbook("hold", "approve", *decide)
    assert sorted(run["approved"]) == sorted(hold["hold"] for hold in both)
    assert not rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert run["kinds"]["enrollment"]["done"] >= held["kinds"]["enrollment"]["held"]
    rollbook("hold", "approve", *decide, schema="error", code=2)


@pytest.mark.rule(26)
def test_all_that_waits_is_rejected_at_once(rollbook: Command, world: Space, held: dict) -> None:
    there = len(world.all("enrollment"))
    decide = ("--all", "--org", "maple", "--by", "Ann", "--reason", "a broken export")
    decided = rollbook("hold", "reject", *decide, schema="holds")["holds"]
    assert [(hold["state"], hold["by"]) for hold in decided] == [("rejected", "Ann")]
    rollbook("sync", "maple", code=3)
    assert not rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert len(world.all("enrollment")) == there


@pytest.mark.rule(26)
def test_an_approval_with_a_time_outlives_a_sync_and_ends(rollbook: Command, world: Space, held: dict) -> None:
    from datetime import UTC, datetime, timedelta

    from rollbook.store.models import PermitRow

    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    gone = [dict(row) for row in world.rows["enrollments"]]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S%z")
    rollbook("hold", "approve", hold["hold"], "--by", "Ann", "--reason", "they moved", "--until", tomorrow)
    removed = removals_done(rollbook, world, hold)
    world.rows["enrollments"] = gone + removed
    rollbook("sync", "maple")
    world.rows["enrollments"] = gone
    rollbook("sync", "maple")  # the same removals once more, without being asked
    with open_store(rollbook.data):
        PermitRow.objects.update(until=datetime.now(UTC) - timedelta(minutes=1))
    world.rows["enrollments"] = gone + removed
    rollbook("sync", "maple")
    world.rows["enrollments"] = gone
    rollbook("sync", "maple", code=3)


def removals_done(rollbook: Command, world: Space, hold: dict) -> list[dict]:
    """Enrollments as the SIS would list them, of what a hold had held."""
    keys = [change["key"].split("|") for change in rollbook(
        "run", "changes", hold["run"], "--action", "remove", schema="changes")["changes"]]  # fmt: skip
    some = next(row for row in world.rows["enrollments"] if row["role"] == "student")
    return [
        some | {"sourcedId": f"again-{place}", "classSourcedId": clazz, "userSourcedId": user}
        for place, (clazz, user) in enumerate(keys)
    ]


@BOTH
def test_waiting_holds_do_not_pile_up(rollbook: Command, held: dict) -> None:
    for _ in range(3):
        rollbook("sync", "maple", code=3)
    assert len(rollbook("hold", "list", "maple", schema="holds")["holds"]) == 1
