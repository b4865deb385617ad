"""Grades back by the command line, between a memory LMS and a memory SIS."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.roster.grades import Grade, Gradebook, GradedItem, GradingCategory, SisCategory
from tests.cli.kit import Command


@pytest.fixture
def section(rollbook: Command, world: Space) -> str:
    """A synced section with two items and a grade for each of its students."""
    rollbook("sync", "maple")
    taught = {row["classSourcedId"] for row in world.rows["enrollments"] if row["role"] == "student"}
    code = sorted(taught)[0]
    world.sis_book.categories = [SisCategory(id="hw", title="Homework"), SisCategory(id="te", title="Tests")]
    found = world.find("section", code)
    assert found is not None
    members = [each for each in world.all("enrollment") if each.fields["section"] == found.lms_id]
    world.gradebooks[code] = Gradebook(
        section=found.lms_id,
        categories=(GradingCategory(id="1", title="Homework"), GradingCategory(id="2", title="Quizzes")),
        items=(
            GradedItem(id="10", title="Essay", points=20, category="1"),
            GradedItem(id="11", title="Quiz", points=10, category="2"),
        ),
        grades=tuple(Grade(item="11", member=each.lms_id, score=7) for each in members if not each.fields["admin"]),
    )
    return code


def kinds(run: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {kind: {word: n for word, n in counts.items() if n} for kind, counts in run["kinds"].items()}


def test_a_section_from_its_first_look_to_nothing_left(rollbook: Command, world: Space, section: str) -> None:
    listed = rollbook("grades", "sections", "maple", schema="grades-sections")
    assert {one["status"] for one in listed["sections"]} == {"not yet synced"}
    first = rollbook("grades", "sync", "maple", "--section", section)
    assert (first["state"], first["river"], first["sections"]) == ("done", "grades", [section])
    assert first["findings"] == {"CATEGORIES_UNDECIDED": 1}
    assert not world.sis_book.records["line_item"]
    chosen = ("--set", "Quizzes=Tests", "--set", "1=hw")
    mapped = rollbook("grades", "map", "maple", "--section", section, *chosen, schema="grades-map")
    assert [one["sis"]["id"] for one in mapped["categories"]] == ["hw", "te"]
    planned = rollbook("grades", "plan", "maple", "--section", section)
    grades = len(world.gradebooks[section].grades)
    assert grades
    assert kinds(planned)["result"]["create"] == grades
    items = rollbook("grades", "items", "maple", "--section", section, schema="grades-items")["items"]
    assert {one["status"] for one in items} == {"not yet synced"}
    sent = rollbook("run", "apply", planned["run"])
    assert kinds(sent)["result"]["done"] == grades
    assert len(world.sis_book.records["result"]) == grades
    again = rollbook("grades", "sync", "maple", "--section", section)
    assert kinds(again) == {
        "category": {}, "line_item": {"read": 2, "unchanged": 2}, "result": {"read": grades, "unchanged": grades},
    }  # fmt: skip
    items = rollbook("grades", "items", "maple", "--section", section, schema="grades-items")["items"]
    assert {one["status"] for one in items} == {"successful"}
