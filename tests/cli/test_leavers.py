"""Accounts of leavers from the command line: the setting, the plan's row, the undo."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import SETTINGS, Command, open_store

pytestmark = [pytest.mark.rule(13), pytest.mark.usefixtures("database")]


def save(rollbook: Command, world: Space, folder: Path, users: str) -> None:
    settings = folder / "leavers.yaml"
    settings.write_text(SETTINGS.replace("SPACE", world.name) + f"users: {users}\n")
    rollbook("config", "import", str(settings), schema="config-import")


def leave(world: Space) -> str:
    """The first student is not in the SIS any more; the student's id."""
    gone = next(row["sourcedId"] for row in world.rows["users"] if row["role"] == "student")
    world.rows["users"] = [row for row in world.rows["users"] if row["sourcedId"] != gone]
    world.rows["enrollments"] = [row for row in world.rows["enrollments"] if row["userSourcedId"] != gone]
    return gone


def days_pass(rollbook: Command, key: str) -> None:
    """As if the person had been gone for a long time."""
    from rollbook.store.models import FactRow

    with open_store(rollbook.data):
        fact = FactRow.objects.get(name="gone_since")
        assert key in fact.value
        fact.value = {key: "2020-01-01"}
        fact.save()


def is_active(world: Space, key: str) -> bool:
    return next(one.active for one in world.all("user") if one.code == key)


@pytest.mark.rule(28)
def test_a_leaver_is_in_the_plan_with_both_sides_and_comes_back(
    rollbook: Command, world: Space, tmp_path: Path
) -> None:
    save(rollbook, world, tmp_path, "{deactivate_after: 30}")
    rollbook("sync", "maple")
    before = {name: list(rows) for name, rows in world.rows.items()}
    gone = leave(world)
    rollbook("sync", "maple")
    days_pass(rollbook, gone)
    plan = rollbook("plan", "maple")
    assert plan["kinds"]["user"]["deactivate"] == 1
    assert is_active(world, gone)
    run = rollbook("run", "apply", plan["run"])
    assert not is_active(world, gone)
    [row] = rollbook("run", "changes", run["run"], "--action", "deactivate", schema="changes")["changes"]
    assert (row["key"], row["outcome"], row["before"], row["after"]) == (
        gone, "done", {"active": True}, {"active": False},
    )  # fmt: skip
    assert "active: True → False" in rollbook.text("run", "changes", run["run"]).out
    assert "deactivate" in rollbook.text("run", "show", plan["run"]).out
    world.rows.update(before)
    back = rollbook("sync", "maple")
    assert back["kinds"]["user"]["revive"] == 1
    assert is_active(world, gone)
    undone = rollbook("run", "undo", back["run"])
    assert undone["kinds"]["user"]["deactivate"] == 1
    assert not is_active(world, gone)
    rows = rollbook("run", "changes", undone["run"], schema="changes")["changes"]
    assert {row["outcome"] for row in rows} == {"done"}, "also of what is sent last"
    [pin] = [one for one in rollbook("pin", "list", "maple", schema="pins")["pins"] if one["kind"] == "user"]
    assert (pin["field"], pin["value"], pin["sis"]) == ("active", False, True)
