"""Runs of grades on the pages that show runs of any kind."""

from __future__ import annotations

import pytest

from rollbook.actions.actors import OPERATOR
from rollbook.actions.grades import decide_categories, request_grades
from rollbook.connectors.memory.space import Space
from rollbook.engine.waiting import work_until_ended
from rollbook.roster.grades import Grade, Gradebook, GradedItem, GradingCategory, SisCategory
from rollbook.store.folder import DataFolder
from rollbook.store.models import Run
from tests.web.people import Person, words
from tests.web.world import run_now


@pytest.fixture
def graded(pages: DataFolder, world: Space) -> tuple[str, Run]:
    """A section with a grade that was sent, and then changed in the SIS."""
    run_now(pages)
    code = sorted(row["classSourcedId"] for row in world.rows["enrollments"] if row["role"] == "student")[0]
    section = world.find("section", code)
    assert section is not None
    members = [each for each in world.all("enrollment") if each.fields["section"] == section.lms_id]
    student = next(each for each in members if not each.fields["admin"])
    world.sis_book.categories = [SisCategory(id="hw", title="Homework")]
    world.gradebooks[code] = Gradebook(
        section=section.lms_id,
        categories=(GradingCategory(id="1", title="Homework"),),
        items=(GradedItem(id="10", title="Essay", points=20, category="1"),),
        grades=(Grade(item="10", member=student.lms_id, score=7.25),),
    )
    _sync(pages, code)
    decide_categories(org="maple", section=code, chosen={"1": "hw"}, by=OPERATOR)
    _sync(pages, code)
    own, shown = next(iter(world.sis_book.records["result"].items()))
    world.sis_book.records["result"][own] = {**shown, "score": 1.0}
    return code, _sync(pages, code)


def _sync(folder: DataFolder, code: str) -> Run:
    return work_until_ended(folder, request_grades(org="maple", sections=[code], by=OPERATOR).pk)


def test_grade_runs_are_shown_where_runs_are(graded: tuple[str, Run], ann: Person) -> None:
    code, run = graded
    assert run.state == "held"
    mine = [f"logs/{run.pk}/{name}" for name in ("", "changes.csv", "findings.csv")]
    for address in ("", "logs/", "plan/", "plan/holds/", *mine, f"plan/{run.pk}/", f"plan/{run.pk}/rows.csv"):
        assert ann.get(f"/o/maple/{address}").status_code == 200, address
    assert "Sync of grades" in words(ann.get("/o/maple/logs/"))
    text = words(ann.get(f"/o/maple/plan/{run.pk}/"))
    assert "Grades" in text
    assert "Undo this run" not in text
    asked = words(ann.get(f"/o/maple/logs/{run.pk}/"))
    assert f"Sections {code}" in asked
    assert "All mapped schools" not in asked
    held = words(ann.get("/o/maple/plan/holds/"))
    assert "somebody changed it there" in held
    assert "grade" in held.casefold()
