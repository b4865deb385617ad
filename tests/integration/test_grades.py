"""The river of grades between memory connectors: a term of grading, with everything that comes between."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.memory.books import SisBook
from rollbook.errors import StalePlan
from rollbook.roster.grades import SinkLimits
from tests.gradebooks import School, counts


@pytest.fixture
def school(tmp_path: Path) -> School:
    """One class with two items, the first of them graded."""
    found = School(tmp_path)
    found.item("i1", title="Essay", points=20)
    found.item("i2", title="Quiz", category="c2")
    found.grade_all("i1", 15)
    return found


def quiet(school: School) -> bool:
    """A further sync sends nothing and holds nothing back."""
    result = school.sync()
    return school.sent == [] and not result.holds and not any(counts(result, kind) for kind in result.kinds)


@pytest.mark.rule(32)
def test_grades_arrive_and_a_second_sync_sends_nothing(school: School) -> None:
    result = school.sync()
    assert result.state == "done"
    assert school.sent == [("line_item", "create")] * 2 + [("result", "create")] * 3
    assert school.results() == {("Essay", student): ("fully graded", 15) for student in school.names}
    assert result.requests == {}
    assert set(result.seconds) == {"read", "compare", "plan", "apply", "settle"}
    version = school.world.ledgers.current("k1")
    assert quiet(school)
    assert school.world.ledgers.current("k1") == version


def test_only_what_changed_is_sent(school: School) -> None:
    school.sync()
    school.grade("i1", "s2", 16)
    school.item("i2", title="Quiz 1")
    school.grade("i2", "s1", exception="excused")
    school.sync()
    assert school.sent == [("line_item", "update"), ("result", "create"), ("result", "update")]
    assert school.results()["Essay", "s2"] == ("fully graded", 16)
    assert school.results()["Quiz 1", "s1"] == ("exempt", None)
    assert quiet(school)


def test_a_dry_run_sends_nothing_and_its_plan_can_be_sent_later(school: School) -> None:
    planned = school.sync(dry_run=True)
    assert (planned.state, school.sent, school.results()) == ("planned", [], {})
    assert school.world.notes.counts[school.key("i1")].send == 4
    assert school.apply_later().state == "done"
    assert len(school.results()) == 3
    assert quiet(school)


@pytest.mark.parametrize("what", ["map", "choice", "ledger"])
def test_a_plan_is_stale_when_the_teacher_decided_otherwise_since(school: School, what: str) -> None:
    school.sync(dry_run=True)
    if what == "map":
        school.decide(categories={"c1": "te", "c2": "te"})
    elif what == "choice":
        school.decide(choices={"i1": "opt_out"})
    else:
        planned = school.last
        school.sync()
        school.last = planned
    with pytest.raises(StalePlan):
        school.apply_later()


@pytest.mark.parametrize("what", ["changed", "typed", "removed", "item"])
def test_a_plan_is_stale_when_somebody_changed_the_sis_since(school: School, what: str) -> None:
    school.sync()
    school.grade("i1", "s1", 18)
    school.grade("i2", "s2", 7)
    school.item("i1", title="Long essay")
    school.sync(dry_run=True)
    records = school.sis.records
    if what == "changed":
        records["result"][school.result_key("i1", "s1")]["score"] = 3.0
    elif what == "typed":
        theirs = {"line_item": school.key("i2"), "student": "s2", "class": "k1", "status": "fully graded", "score": 4.0}
        records["result"]["theirs"] = theirs
    elif what == "removed":
        del records["result"][school.result_key("i1", "s1")]
    else:
        records["line_item"][school.key("i1")]["title"] = "Essay, second draft"
    with pytest.raises(StalePlan, match="in the SIS"):
        school.apply_later()
    assert school.sent == []


def test_what_somebody_removed_from_the_sis_already_makes_no_plan_stale(school: School) -> None:
    """To plan again would plan the same removal again."""
    school.sync()
    school.grade("i1", "s1")
    del school.sis.records["result"][school.result_key("i1", "s1")]
    school.sync(dry_run=True)
    assert school.apply_later().state == "done"
    assert quiet(school)


@pytest.mark.rule(32)
def test_a_cleared_grade_is_cleared_in_the_sis(school: School) -> None:
    school.sync()
    school.grade("i1", "s1")
    result = school.sync()
    assert counts(result, "result") == {"remove": 1}
    assert ("Essay", "s1") not in school.results()
    assert quiet(school)
    school.grade("i1", "s1", 0)
    school.sync()
    assert school.results()["Essay", "s1"] == ("fully graded", 0)


def test_a_sis_without_delete_is_told_that_nothing_was_handed_in(school: School) -> None:
    school.sis.limits = SinkLimits(deletes=False)
    school.sync()
    school.grade("i1", "s1")
    school.sync()
    assert school.results()["Essay", "s1"] == ("not submitted", None)
    assert quiet(school)
    school.grade("i1", "s1", 3)
    school.sync()
    assert school.results()["Essay", "s1"] == ("fully graded", 3)


@pytest.mark.rule(32)
def test_what_somebody_changed_in_the_sis_is_held_until_a_person_decides(school: School) -> None:
    school.sync()
    own = school.result_key("i1", "s1")
    school.sis.records["result"][own] = {**school.sis.records["result"][own], "score": 3.0}
    held = school.sync()
    assert (held.state, school.sent) == ("held", [])
    assert [(hold.reason, hold.kind, hold.school, hold.school_name) for hold in held.holds] == [
        ("grade_conflict", "result", "k1", "Class k1")
    ]
    assert school.world.notes.counts[school.key("i1")].held == 1
    school.grade("i1", "s2", 1)
    again = school.sync()
    assert school.sent == [("result", "update")], "the others go on"
    school.approve(again, "grade_conflict")
    school.sync()
    assert school.results()["Essay", "s1"] == ("fully graded", 15)
    assert quiet(school)


def test_an_approval_is_for_what_was_looked_at_alone(school: School) -> None:
    """The grade changes once more before the approved run: it is held anew."""
    school.sync()
    own = school.result_key("i1", "s1")
    school.sis.records["result"][own] = {**school.sis.records["result"][own], "score": 3.0}
    school.approve(school.sync(), "grade_conflict")
    school.grade("i1", "s1", 12)
    assert school.sync().state == "held"
    assert school.results()["Essay", "s1"] == ("fully graded", 3.0)


def test_what_somebody_deleted_in_the_sis_is_made_again_only_when_approved(school: School) -> None:
    school.sync()
    school.sis.records["line_item"].pop(school.key("i1"))
    for own in [own for own, each in school.sis.records["result"].items() if each["line_item"] == school.key("i1")]:
        school.sis.records["result"].pop(own)
    held = school.sync()
    assert {hold.reason for hold in held.holds} == {"grade_gone"}
    assert (counts(held, "line_item"), counts(held, "result")) == ({"held": 1}, {"waiting": 3})
    school.approve(held, "grade_gone")
    school.sync()
    assert len(school.results()) == 3
    assert quiet(school)


@pytest.mark.rule(32)
def test_a_deleted_item_waits_for_a_choice(school: School) -> None:
    school.sync()
    school.decide()
    school.delete("i1")
    for _ in range(2):
        result = school.sync()
        assert (school.sent, counts(result, "line_item")) == ([], {"waiting": 1})
        assert [row["id"] for row in school.findings(result, "ITEM_DELETED")] == ["i1"]
    school.decide(choices={"i1": "keep"})
    kept = school.sync()
    assert (school.sent, kept.findings) == ([], {})
    assert "Essay" in school.titles()
    school.decide(choices={"i1": "remove"})
    school.sync()
    assert school.sent == [("result", "remove")] * 3 + [("line_item", "remove")]
    assert (school.titles(), school.results()) == ({"Quiz"}, {})
    assert quiet(school)


@pytest.mark.rule(32)
def test_a_line_item_stays_while_one_of_its_results_does(school: School) -> None:
    """The SIS refuses to give one result up, or a teacher changed it there."""
    school.sync()
    school.decide(choices={"i1": "remove"})
    school.delete("i1")
    own = school.result_key("i1", "s1")
    school.sis.records["result"][own] = {**school.sis.records["result"][own], "score": 3.0}
    result = school.sync()
    assert school.sent == [("result", "remove")] * 2
    assert (counts(result, "line_item"), counts(result, "result")) == ({"waiting": 1}, {"remove": 2, "held": 1})
    assert "Essay" in school.titles()


def test_a_sis_that_makes_ids_of_its_own(school: School) -> None:
    school.sis.makes_ids = True
    school.sync()
    assert set(school.sis.records["line_item"]) == {"sis-1", "sis-2"}
    assert len(school.results()) == 3
    assert quiet(school)
    school.item("i1", title="Long essay")
    school.grade("i1", "s1", 20)
    school.sync()
    assert set(school.sis.records["line_item"]) == {"sis-1", "sis-2"}
    assert school.results()["Long essay", "s1"] == ("fully graded", 20)
    school.decide(choices={"i1": "remove"})
    school.delete("i1")
    school.sync()
    assert (school.titles(), school.results()) == ({"Quiz"}, {})


def test_sections_do_not_mix(tmp_path: Path) -> None:
    school = School(tmp_path, classes=("k1", "k2"))
    for code in ("k1", "k2"):
        school.item("i1", code, title=f"Item of {code}")
        school.grade("i1", "s1", 5, code)
    school.sync("k2")
    assert (school.results("k1"), len(school.results("k2"))) == ({}, 1)
    school.sync()
    assert school.sent == [("line_item", "create"), ("result", "create")]
    assert school.key("i1", "k1") != school.key("i1", "k2")


def test_the_other_side_says_nothing_of_itself() -> None:
    assert "score" not in repr(SisBook())


def test_a_new_category_is_made_only_where_settings_sis_and_map_say_so(tmp_path: Path) -> None:
    school = School(tmp_path, grades={"create_categories": True})
    school.item("i1", category="c2")
    school.grade_all("i1", 5)
    school.decide(categories={"c1": "hw", "c2": "*"})
    assert school.sync().findings == {"ITEM_CATEGORY_NOT_MADE": 1}, "this SIS takes none"
    school.sis.limits = SinkLimits(makes_categories=True)
    school.sync()
    assert school.sent[:2] == [("category", "create"), ("line_item", "create")]
    assert [each.title for each in school.sis.categories] == ["Homework", "Tests", "Quizzes"]
    assert len(school.results()) == 3
    assert quiet(school)
    forbidden = School(tmp_path / "other")
    forbidden.sis.limits = SinkLimits(makes_categories=True)
    forbidden.item("i1")
    forbidden.decide(categories={"c1": "*"})
    forbidden.sync()
    assert forbidden.sent == [("line_item", "create")], "the SIS has one of this title"
    forbidden.item("i2", category="c2")
    forbidden.decide(categories={"c1": "hw", "c2": "*"})
    assert forbidden.sync().findings == {"ITEM_CATEGORY_NOT_MADE": 1}
