"""Grades of one section: a teacher's way from the map to Successful, what is shown in each case, and what is refused."""

from __future__ import annotations

import msgspec
import pytest

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import GradeSection, Membership, Run
from tests.web.grades_case import HERE, Case, grades_case
from tests.web.people import Person, make_person, words


@pytest.fixture
def case(folder: DataFolder, world: Space) -> Case:
    return grades_case(folder, world)


def test_a_teacher_from_the_first_use_to_successful(case: Case) -> None:
    tea, code = case.teacher, case.code
    assert tea.get("/")["Location"] == f"{HERE}/mine/"
    assert "Not Yet Synced" in words(tea.get(f"{HERE}/mine/"))
    first = tea.get(f"{HERE}/items/{code}/")
    assert first["Location"] == f"{HERE}/configuration/{code}/"
    assert "read the categories of both gradebooks" in words(tea.get(first["Location"]))
    assert case.do("look", back="grades_map")["Location"] == first["Location"]
    assert case.work().dry_run
    shown = words(tea.get(first["Location"]))
    assert "Homework" in shown
    assert "Still undecided" in shown
    saved = case.save_map(_1="hw", _2="te")
    assert saved["Location"] == f"{HERE}/items/{code}/"
    case.work()
    shown = words(tea.get(saved["Location"]))
    assert shown.count("Not Yet Synced") == 2
    assert "Essay" in shown
    assert not case.world.sis_book.records["line_item"], "looking sends nothing"
    assert case.do("changes").status_code == 302
    assert "Queued" in words(tea.get(saved["Location"]))
    case.work()
    shown = words(tea.get(saved["Location"]))
    assert shown.count("Successful") == 2
    assert "There is nothing to send" in shown
    assert {each["title"] for each in case.world.sis_book.records["line_item"].values()} == {"Essay", "Quiz"}
    status = words(tea.get(f"{HERE}/status/{code}/"))
    assert "All is well" in status
    assert "Look only" in status
