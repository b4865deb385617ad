"""What goes beyond a limit waits for a person; approving plans afresh (rules 25, 26). On both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, open_store

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def held(rollbook: Command, world: Space, tmp_path: Path) -> dict:
    """One section lost its students over night, and no removal is allowed without a person."""
    file = tmp_path / "maple.yaml"
    file.write_text(file.read_text() + "limits: {remove: {percent: 0, from: 1}}\n")
    rollbook("config", "import", str(file), schema="config-import")
    rollbook("sync", "maple")
    rows = [dict(row) for row in world.rows["enrollments"]]
    students = [row for row in rows if row["role"] == "student"]
    gone = {row["sourcedId"] for row in students if row["classSourcedId"] == students[0]["classSourcedId"]}
    world.rows["enrollments"] = [row for row in rows if row["sourcedId"] not in gone]
    return rollbook("sync", "maple", code=3)


@pytest.mark.rule(25)
def test_what_is_above_a_limit_is_held(rollbook: Command, held: dict) -> None:
    assert held["state"] == "held"
    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert (hold["kind"], hold["action"], hold["state"]) == ("enrollment", "remove", "waiting")
    assert hold["count"] == held["kinds"]["enrollment"]["held"] > 0
    assert hold["hold"] in rollbook.text("run", "show", held["run"]).out


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


def test_what_is_no_longer_kept_cannot_be_approved(rollbook: Command, held: dict) -> None:
    from rollbook.store.models import HoldRow, PermitRow

    [hold] = rollbook("hold", "list", "maple", schema="holds")["holds"]
    with open_store(rollbook.data):
        HoldRow.objects.update(changes="")
    approve = ("hold", "approve", hold["hold"], "--by", "Ann", "--reason", "they moved")
    rollbook(*approve, schema="error", code=2)
    with open_store(rollbook.data):
        assert not PermitRow.objects.exists()
