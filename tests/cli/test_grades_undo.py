"""Undo of grade runs by the command line, and grades where the unique id is no sourcedId."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command
from tests.cli.test_grades import items, kinds, section, sent, synced_section

__all__ = ["section", "sent"]


def grades_of(world: Space) -> list[float | None]:
    return [one["score"] for one in world.sis_book.records["result"].values()]


@pytest.mark.usefixtures("database")
@pytest.mark.rule(28)
def test_a_run_is_undone_and_the_next_one_does_not_send_it_again(rollbook: Command, world: Space, sent: str) -> None:
    first = next(one["run"] for one in rollbook("runs", "maple", schema="runs")["runs"] if one["river"] == "grades")
    number = len(grades_of(world))
    assert number
    planned = rollbook("run", "undo", first, "--dry-run")
    assert kinds(planned)["result"] == {"remove": number}
    assert len(grades_of(world)) == number, "it is a plan first"
    undone = rollbook("run", "undo", first)
    assert (undone["state"], undone["undo_of"], undone["river"]) == ("done", first, "grades")
    assert kinds(undone)["result"] == {"remove": number, "done": number}
    assert not world.sis_book.records["line_item"]
    again = rollbook("grades", "sync", "maple", "--section", sent)
    assert not world.sis_book.records["line_item"], "the LMS says the same as before"
    assert again["findings"]["GRADE_PINNED"] == 2
    assert set(items(rollbook, sent).values()) == {"not sent"}
    pins = rollbook("pin", "list", "maple", schema="pins")["pins"]
    assert {(one["kind"], one["school"]) for one in pins} == {("line_item", sent), ("result", sent)}
    rollbook("pin", "lift", "maple", "--all", "--by", "Ann", "--reason", "the LMS is right", schema="pins")
    rollbook("grades", "sync", "maple", "--section", sent)
    assert len(grades_of(world)) == number
    assert set(items(rollbook, sent).values()) == {"successful"}


@pytest.mark.usefixtures("database")
@pytest.mark.rule(28)
def test_the_grades_of_one_student_are_undone(rollbook: Command, world: Space, sent: str) -> None:
    first = next(one["run"] for one in rollbook("runs", "maple", schema="runs")["runs"] if one["river"] == "grades")
    before = dict(world.sis_book.records["result"])
    student = next(iter(before.values()))["student"]
    rollbook("run", "undo", first, "--person", student)
    assert {one["student"] for one in before.values()} - {student} == {
        one["student"] for one in world.sis_book.records["result"].values()
    }
    book = world.gradebooks[sent]
    world.gradebooks[sent] = msgspec.structs.replace(
        book, grades=tuple(msgspec.structs.replace(one, score=6) for one in book.grades)
    )
    rollbook("grades", "sync", "maple", "--section", sent)
    assert len(world.sis_book.records["result"]) == len(before), "the grade is another one, so it is sent"
    ended = rollbook("pin", "list", "maple", "--all", schema="pins")["pins"]
    assert {one["why"] for one in ended} == {"the LMS says something else by now"}


@pytest.mark.usefixtures("database")
@pytest.mark.rule(28)
def test_an_undo_is_undone(rollbook: Command, world: Space, sent: str) -> None:
    first = next(one["run"] for one in rollbook("runs", "maple", schema="runs")["runs"] if one["river"] == "grades")
    before = dict(world.sis_book.records["result"])
    undo = rollbook("run", "undo", first, "--section", sent)
    assert not world.sis_book.records["result"]
    rollbook("run", "undo", undo["run"])
    there = world.sis_book.records["result"]
    assert there == before


@pytest.mark.usefixtures("database")
def test_parts_of_the_other_river_are_refused(rollbook: Command, sent: str) -> None:
    runs = rollbook("runs", "maple", schema="runs")["runs"]
    grades = next(one["run"] for one in runs if one["river"] == "grades")
    roster = next(one["run"] for one in runs if one["river"] == "roster")
    assert "--section" in rollbook.text("run", "undo", grades, "--school", "A").err
    assert "--school" in rollbook.text("run", "undo", roster, "--section", sent).err


@pytest.mark.usefixtures("database")
@pytest.mark.rule(8)
@pytest.mark.parametrize("unique_id", ["identifier", "userMasterIdentifier", "username"])
def test_students_are_named_by_sourced_id_whatever_their_unique_id_is(
    rollbook: Command, world: Space, tmp_path: Any, unique_id: str
) -> None:
    for number, user in enumerate(world.rows["users"]):
        user |= {"identifier": f"i{number}", "userMasterIdentifier": f"m{number}", "username": f"u{number}"}
    names = {user["sourcedId"]: user[unique_id] for user in world.rows["users"]}
    settings = tmp_path / "maple.yaml"
    settings.write_text(settings.read_text() + f"users: {{unique_id: {unique_id}}}\n")
    rollbook("config", "import", str(settings), schema="config-import")
    code = synced_section(rollbook, world)
    rollbook("grades", "plan", "maple", "--section", code)
    rollbook(
        "grades", "map", "maple", "--section", code, "--set", "Quizzes=Tests", "--set", "1=hw", schema="grades-map"
    )
    run = rollbook("grades", "sync", "maple", "--section", code)
    students = {one["student"] for one in world.sis_book.records["result"].values()}
    graded = len(world.gradebooks[code].grades)
    assert (len(students), students <= set(names)) == (graded, True)
    rollbook("run", "undo", run["run"], "--person", names[next(iter(students))])
    assert len(world.sis_book.records["result"]) == graded - 1
