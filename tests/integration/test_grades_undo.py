"""Undo of grade runs between memory connectors: what a run changed goes back, guarded, pinned, and can be undone again
(rule 28)."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.memory.books import SisBook
from rollbook.errors import StalePlan
from rollbook.roster.grades import SinkLimits
from tests.gradebooks import School, counts


@pytest.fixture
def school(tmp_path: Path) -> School:
    """One class with two items, the first of them graded and synced."""
    found = School(tmp_path)
    found.item("i1", title="Essay", points=20)
    found.item("i2", title="Quiz", category="c2")
    found.grade_all("i1", 15)
    found.sync()
    return found


def state(school: School) -> Any:
    return copy.deepcopy((school.sis.records["line_item"], school.sis.records["result"]))


def quiet(school: School) -> bool:
    result = school.sync()
    return school.sent == [] and not result.holds


@pytest.mark.rule(28)
def test_what_a_run_changed_goes_back_and_stays_so(school: School) -> None:
    before = state(school)
    school.grade("i1", "s1", 18)
    school.grade("i1", "s2")
    school.grade("i2", "s3", exception="excused")
    school.item("i2", title="Quiz 1")
    school.sync()
    changed = state(school)
    undone = school.undo()
    assert (undone.state, undone.conflicts) == ("done", {})
    assert sorted(school.sent) == [
        ("line_item", "update"), ("result", "create"), ("result", "remove"), ("result", "update"),
    ]  # fmt: skip
    assert state(school) == before
    assert quiet(school), "the LMS says the same as then, so nothing is sent again"
    assert state(school) == before
    assert len(school.findings(school.sync(), "GRADE_PINNED")) == 4
    again = school.undo(3)
    assert again.conflicts == {}
    assert state(school) == changed
    assert school.world.pins.pins == {}
    assert quiet(school)


@pytest.mark.rule(28)
def test_the_first_sync_is_undone_whole(school: School) -> None:
    sent = state(school)
    undone = school.undo()
    assert (undone.state, state(school)) == ("done", ({}, {}))
    assert school.sent[0] == ("result", "remove"), "nothing is orphaned on the way"
    assert quiet(school)
    assert {note.state for note in school.world.notes.sections["k1"].items} == {"left_out"}
    school.grade("i1", "s1", 16)
    assert quiet(school), "its line item is kept out"
    school.grade("i1", "s1", 15)
    assert school.undo(2).conflicts == {}
    assert state(school) == sent


@pytest.mark.rule(28)
def test_a_new_grade_in_the_lms_ends_its_pin(school: School) -> None:
    school.grade("i1", "s1", 18)
    school.grade("i1", "s2", 19)
    school.sync()
    school.undo()
    school.grade("i1", "s1", 17)
    school.sync()
    assert school.results()["Essay", "s1"] == ("fully graded", 17)
    assert school.results()["Essay", "s2"] == ("fully graded", 15)
    assert {pin.key for pin, _ in school.world.pins.pins.values()} == {school.result_key("i1", "s2")}
    assert quiet(school)


@pytest.mark.rule(28)
def test_score_and_state_of_a_result_stay_together(school: School) -> None:
    """One of its two pins ends, so the other one does, too."""
    school.grade("i1", "s1", exception="excused")
    school.sync()
    school.grade("i1", "s1", 18)
    school.sync()
    school.undo()
    assert school.results()["Essay", "s1"] == ("exempt", None)
    assert len(school.world.pins.pins) == 2
    school.grade("i1", "s1", 17)
    school.sync()
    assert school.results()["Essay", "s1"] == ("fully graded", 17)
    assert not school.world.pins.pins
    assert quiet(school)


@pytest.mark.rule(28)
def test_a_pin_that_ends_lets_the_lms_through_again(school: School) -> None:
    school.grade("i1", "s1", 18)
    school.sync()
    school.undo()
    for _ in range(31):
        school.next_day()
    school.sync()
    assert school.results()["Essay", "s1"] == ("fully graded", 18)


@pytest.mark.rule(28)
def test_without_pins_the_next_sync_sends_it_again(tmp_path: Path) -> None:
    school = School(tmp_path, undo={"pin_days": 0})
    school.item("i1", title="Essay", points=20)
    school.grade_all("i1", 15)
    school.sync()
    school.undo()
    assert school.results() == {}
    school.sync()
    assert len(school.results()) == 3


@pytest.mark.rule(28)
def test_what_moved_on_is_left_and_told(school: School) -> None:
    school.grade_all("i1", 18)
    school.sync()
    own = school.result_key("i1", "s1")
    school.sis.records["result"][own] = {**school.sis.records["result"][own], "score": 3.0}
    school.grade("i1", "s2", 19)
    school.sync("k1", items=frozenset({"i1"}))
    undone = school.undo(2)
    assert undone.conflicts == {"results that have changed since": 2}
    assert sorted(one["detail"] for one in school.findings(undone, "UNDO_CONFLICT")) == [
        "changed in the SIS since", "sent otherwise since",
    ]  # fmt: skip
    assert school.results() == {
        ("Essay", "s1"): ("fully graded", 3.0), ("Essay", "s2"): ("fully graded", 19),
        ("Essay", "s3"): ("fully graded", 15),
    }  # fmt: skip


@pytest.mark.rule(28)
def test_a_line_item_with_other_grades_stays(school: School) -> None:
    school.grade("i2", "s1", 7)
    school.sync()
    undone = school.undo(1)
    assert undone.conflicts == {"line items that have changed since": 1}
    assert school.titles() == {"Quiz"}
    assert school.results() == {("Quiz", "s1"): ("fully graded", 7)}


@pytest.mark.rule(28)
def test_an_undo_is_a_plan_first(school: School) -> None:
    before = state(school)
    planned = school.undo(dry_run=True)
    assert (planned.state, school.sent, state(school)) == ("planned", [], before)
    assert school.world.pins.pins == {}
    assert school.apply_later().state == "done"
    assert state(school) == ({}, {})
    assert school.world.pins.pins
    assert quiet(school)


def test_a_planned_undo_is_stale_when_something_was_sent_since(school: School) -> None:
    school.undo(dry_run=True)
    planned = school.last
    school.grade("i1", "s1", 16)
    school.sync()
    school.last = planned
    with pytest.raises(StalePlan):
        school.apply_later()


@pytest.mark.rule(28)
def test_one_student_alone(school: School) -> None:
    school.grade_all("i1", 18)
    school.sync()
    school.undo(persons=("s2",))
    assert {student: said[1] for (_, student), said in school.results().items()} == {"s1": 18, "s2": 15, "s3": 18}


@pytest.mark.rule(28)
def test_one_section_alone(tmp_path: Path) -> None:
    school = School(tmp_path, classes=("k1", "k2"))
    for code in ("k1", "k2"):
        school.item("i1", code, title="Essay", points=20)
        school.grade_all("i1", 15, code)
    school.sync()
    school.undo(1, "k2")
    assert (len(school.results("k1")), len(school.results("k2"))) == (3, 0)
    assert quiet(school)


@pytest.mark.rule(28)
@pytest.mark.rule(25)
def test_limits_hold_for_an_undo(tmp_path: Path) -> None:
    school = School(tmp_path, students=60)
    school.item("i1", title="Essay", points=20)
    school.grade_all("i1", 15)
    school.sync()
    held = school.undo()
    assert [(hold.reason, hold.kind, hold.action, hold.count) for hold in held.holds] == [
        ("limit", "result", "remove", 60)
    ]
    assert len(school.results()) == 60
    school.approve(held, "limit")
    school.undo(1)
    assert school.results() == {}


@pytest.mark.rule(28)
def test_a_sis_without_delete_is_told_that_nothing_was_handed_in(tmp_path: Path) -> None:
    school = School(tmp_path)
    school.sis.limits = SinkLimits(deletes=False)
    school.item("i1", title="Essay", points=20)
    school.grade_all("i1", 15)
    sent = school.sync()
    assert sent.facts["sis_deletes"] is False
    school.undo()
    assert set(school.results().values()) == {("not submitted", None)}
    assert quiet(school)
    school.undo(2)
    assert set(school.results().values()) == {("fully graded", 15)}
    assert quiet(school)


@pytest.mark.rule(28)
def test_a_sis_that_makes_ids_of_its_own(tmp_path: Path) -> None:
    school = School(tmp_path)
    school.sis.makes_ids = True
    school.item("i1", title="Essay", points=20)
    school.grade_all("i1", 15)
    school.sync()
    sent = school.results()
    school.undo()
    assert (school.results(), school.titles()) == ({}, set())
    assert quiet(school)
    school.undo(2)
    assert school.results() == sent
    assert quiet(school)


@pytest.mark.rule(28)
def test_an_item_that_was_removed_comes_back_and_is_asked_about_anew(school: School) -> None:
    before = state(school)
    school.decide()
    school.delete("i1")
    school.sync()
    school.decide(choices={"i1": "remove"})
    school.sync()
    assert school.titles() == {"Quiz"}
    school.decide(choices={})
    school.undo()
    assert state(school) == before
    result = school.sync()
    assert (school.sent, counts(result, "line_item").get("waiting")) == ([], 1)


def test_books_do_not_show_grades() -> None:
    assert "15" not in repr(SisBook())
