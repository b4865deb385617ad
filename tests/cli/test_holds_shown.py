"""Holds explain themselves: why, at which school, of which run, and each row of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.roster.holds import HOLDS
from tests.cli.kit import Command
from tests.cli.once import once


@pytest.fixture
def held(rollbook: Command, world: Space, tmp_path: Path) -> dict[str, Any]:
    """Many enrollments of students would be removed, and a student would become a teacher."""

    def make() -> dict[str, Any]:
        file = tmp_path / "maple.yaml"
        file.write_text(file.read_text() + "limits: {remove: {percent: 0, from: 1}}\n")
        rollbook("config", "import", str(file), schema="config-import")
        rollbook("sync", "maple")
        students = [row for row in world.rows["enrollments"] if row["role"] == "student"]
        lost = [row for number, row in enumerate(students) if number % 20 < 9]
        world.rows["enrollments"] = [row for row in world.rows["enrollments"] if row not in lost]
        users = [dict(row) for row in world.rows["users"]]
        next(row for row in users if row["role"] == "student")["role"] = "teacher"
        world.rows["users"] = users
        return dict(rollbook("sync", "maple", code=3))

    return once(rollbook.data, world, "held and shown", make)


def _schools(world: Space) -> dict[str, str]:
    return {row["sourcedId"]: row["name"] for row in world.rows["orgs"]}


def test_each_hold_says_why_and_where(rollbook: Command, world: Space, held: dict[str, Any]) -> None:
    holds = rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert holds == held["holds"]
    assert {hold["reason"] for hold in holds} == {"limit", "staff_role"}
    names = _schools(world)
    for hold in holds:
        assert hold["sentence"] == HOLDS[hold["reason"]]
        assert hold["school_name"] == names[hold["school"]]
        assert "details" not in hold


@pytest.mark.parametrize("command", [("hold", "list", "maple"), ("run", "show", "RUN")])
def test_people_read_the_same(rollbook: Command, world: Space, held: dict[str, Any], command: tuple[str, ...]) -> None:
    shown = " ".join(rollbook.text(*(held["run"] if word == "RUN" else word for word in command)).out.split())
    names = _schools(world)
    for hold in held["holds"]:
        assert f"{hold['hold']} {hold['run']} {hold['reason']}" in shown
        assert f"{names[hold['school']]} ({hold['school']})" in shown
        assert f"{hold['reason']}: {hold['sentence']}" in shown
    assert "rollbook run changes RUN --hold HOLD" in shown


def test_every_row_of_a_hold_can_be_seen(rollbook: Command, held: dict[str, Any]) -> None:
    keys: list[tuple[str, str]] = []
    for hold in held["holds"]:
        shown = rollbook("run", "changes", held["run"], "--hold", hold["hold"], schema="changes")["changes"]
        assert len(shown) == hold["count"]
        assert {(row["kind"], row["action"], row["state"]) for row in shown} == {(hold["kind"], hold["action"], "held")}
        keys += [(row["kind"], row["key"]) for row in shown]
    assert len(set(keys)) == len(keys) == sum(counts["held"] for counts in held["kinds"].values())


def test_people_see_a_page_of_it_and_more_on_demand(rollbook: Command, held: dict[str, Any]) -> None:
    largest = max(held["holds"], key=lambda hold: hold["count"])
    assert largest["count"] > 50, "else the page holds all of it"
    look = ("run", "changes", held["run"], "--hold", largest["hold"])
    page = rollbook.text(*look).out
    assert page.count(f"(hold:{largest['hold']})") == 50
    assert "… and more: these are the first 50; --limit says how many" in page
    whole = rollbook.text(*look, "--limit", str(largest["count"])).out
    assert whole.count(f"(hold:{largest['hold']})") == largest["count"]
    assert "… and more" not in whole


def test_a_hold_of_another_run_is_refused(rollbook: Command, held: dict[str, Any]) -> None:
    answer = rollbook("run", "changes", held["run"], "--hold", "nothing", schema="error", code=2)
    assert f"rollbook run show {held['run']}" in answer["error"]["message"]


def test_the_sending_of_a_plan_shows_what_its_plan_held(rollbook: Command, held: dict[str, Any]) -> None:
    planned = rollbook("plan", "maple", code=3)
    sent = rollbook("run", "apply", planned["run"])
    [hold] = [hold for hold in planned["holds"] if hold["reason"] == "staff_role"]
    shown = rollbook("run", "changes", sent["run"], "--hold", hold["hold"], schema="changes")["changes"]
    assert [row["state"] for row in shown] == ["held"]
