"""What goes wrong with grades ends in words, and stops nothing else: bad items, refusals, limits, a silent SIS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollbook.errors import AuthFailed, Unavailable
from rollbook.roster.grades import Member, SinkLimits
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


def test_a_category_that_was_deleted_in_the_sis_blocks_its_items_in_words(school: School) -> None:
    school.sync()
    school.sis.categories = school.sis.categories[1:]
    school.item("i3", title="New")
    school.item("i4", title="Test", category="c2")
    result = school.sync()
    assert school.sent == [("line_item", "create")]
    assert {row["id"] for row in school.findings(result, "ITEM_CATEGORY_GONE")} == {"i1", "i3"}
    assert result.kinds["line_item"]["blocked"] == 2


def test_points_that_change_after_grades_were_sent(school: School) -> None:
    school.sync()
    school.item("i1", points=30.0)
    result = school.sync()
    assert school.sent == [("line_item", "update")]
    assert result.findings == {"ITEM_POINTS_CHANGED": 1}
    school.sis.limits = SinkLimits(above_maximum=False)
    school.item("i1", points=10.0)
    too_much = school.sync()
    assert too_much.findings == {"ITEM_POINTS_CHANGED": 1, "GRADE_ABOVE_MAXIMUM": 3}
    assert len(school.results()) == 3, "what was sent stays"


def test_a_student_who_is_not_enrolled_is_told_and_stops_nobody(school: School) -> None:
    stranger = Member(id="m-x", user="u-x", unique_id="x")
    school.book(members=(*school.book().members, stranger))
    school.grade("i1", "x", 9)
    result = school.sync()
    assert len(school.results()) == 3
    assert [(row["id"], row["school"], row["severity"]) for row in school.findings(result, "GRADE_NOT_ENROLLED")] == [
        ("x", "k1", "blocks")
    ]


def test_the_words_of_the_sis_reach_the_item(school: School) -> None:
    """A grading period that is closed: the SIS says so, the others go on, and the next sync tries again."""
    school.space.faults.refuse[school.result_key("i1", "s2")] = "the grading period is closed"
    result = school.sync()
    assert (result.state, counts(result, "result")) == ("done", {"create": 3, "refused": 1})
    note = school.world.notes.outcomes[school.key("i1")]
    assert (note.done, note.failed, note.words) == (3, 1, "the grading period is closed")
    assert [(one.kind, one.runs) for one in school.world.memory.refusals()] == [("result", 1)]
    school.space.faults.refuse.clear()
    school.sync(retry_refused=True)
    assert school.sent == [("result", "create")]
    assert not list(school.world.memory.refusals())
    assert quiet(school)


def test_grades_of_a_refused_item_wait_for_it(school: School) -> None:
    school.space.faults.refuse[school.key("i1")] = "no"
    result = school.sync()
    assert school.results() == {}
    assert (counts(result, "line_item"), counts(result, "result")) == (
        {"create": 2, "refused": 1}, {"create": 3, "waiting": 3},
    )  # fmt: skip


@pytest.mark.rule(27)
def test_what_is_refused_on_three_runs_pauses_unless_somebody_asks(school: School) -> None:
    """Rule 27: a run of all sections waits, a teacher who asks is heard."""
    school.space.faults.refuse[school.result_key("i1", "s2")] = "no"
    for _ in range(3):
        school.sync()
    result = school.sync()
    assert (school.sent, result.findings) == ([], {"REFUSED_BEFORE": 1})
    school.sync(retry_refused=True)
    assert school.sent == [("result", "create")]


def test_mass_creation_is_held_and_a_first_sync_is_not(school: School) -> None:
    for number in range(60):
        school.item(f"n{number}")
    assert school.sync().state == "done"
    for number in range(99):
        school.item(f"m{number}")
    held = school.sync()
    assert held.state == "done", "one below the limit"
    for number in range(200):
        school.item(f"o{number}")
    held = school.sync()
    assert [(hold.reason, hold.kind, hold.action, hold.count) for hold in held.holds] == [
        ("limit", "line_item", "create", 200)
    ]
    assert school.sent == []


def test_a_gradebook_that_is_suddenly_empty_takes_nothing_away(school: School) -> None:
    """The limit on removals holds it: 50 results and a quarter of what was sent."""
    many = School(school.world.folder / "many", students=60)
    many.item("i1")
    many.grade_all("i1", 5)
    many.sync()
    many.book(grades=())
    held = many.sync()
    assert [(hold.reason, hold.action, hold.count, hold.of) for hold in held.holds] == [("limit", "remove", 60, 60)]
    assert len(many.results()) == 60


def test_one_section_in_trouble_stops_no_other(tmp_path: Path) -> None:
    school = School(tmp_path, classes=("k1", "k2", "k3"))
    for code in ("k1", "k3"):
        school.item("i1", code)
        school.grade("i1", "s1", 5, code)
    del school.space.gradebooks["k2"]
    school.decide("k3", categories={})
    result = school.sync()
    assert len(school.results("k1")) == 1
    assert school.results("k3") == {}
    assert result.findings == {"SECTION_UNREADABLE": 1, "CATEGORIES_UNDECIDED": 1}
    assert school.world.notes.sections["k2"].trouble
    assert set(school.plan.sections) == {"k1", "k3"}
    assert "no section" in school.findings(result, "SECTION_UNREADABLE")[0]["detail"]


def test_what_the_sis_shows_otherwise_is_told_and_is_no_conflict(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It halves every score it shows, and hides the results of one student."""
    read = school.sink.read

    def odd(kind: str, class_id: str) -> Any:
        import msgspec

        for each in read(kind, class_id):
            if each.fields.get("student") == "s3":
                continue
            half = {**each.fields, "score": each.fields["score"] / 2} if "score" in each.fields else each.fields
            yield msgspec.structs.replace(each, fields=half)

    school.sink.read = odd  # type: ignore[method-assign]
    result = school.sync()
    assert result.findings == {"GRADE_SHOWN_OTHERWISE": 2, "GRADE_NOT_SHOWN": 1}
    assert school.findings(result, "GRADE_SHOWN_OTHERWISE")[0]["detail"] == "score"
    assert counts(school.sync(), "result") == {"held": 1}, "what is not shown is gone, for all that anybody knows"


def test_students_are_named_by_sourced_id_whatever_their_unique_id_is(school: School) -> None:
    known = {"s1": "sis-1", "s2": "sis-2"}
    school.people = lambda wanted: {each: known[each] for each in wanted if each in known}
    school.enroll("sis-1", "sis-2", "sis-3")
    result = school.sync()
    assert {student for _, student in school.results()} == {"sis-1", "sis-2"}
    assert [row["id"] for row in school.findings(result, "GRADE_MEMBER_UNKNOWN")] == ["s3"]
    school.sync()
    assert school.sent == []


def test_an_account_with_a_students_id_is_not_the_student(school: School) -> None:
    """Where unique ids prove nothing, grades go by the accounts that the ledger has."""
    own = {each.unique_id: each.user for each in school.book().members if each.unique_id}
    school.accounts = lambda members: {key: own[key] if key != "s3" else "another" for key in own}
    result = school.sync()
    assert {student for _, student in school.results()} == {"s1", "s2"}
    assert [row["id"] for row in school.findings(result, "GRADE_ACCOUNT_OTHER")] == ["s3"]
    assert school.sync().findings == result.findings
    assert school.sent == []


def test_a_wrong_key_ends_the_run(school: School) -> None:
    school.space.key = "another"
    with pytest.raises(AuthFailed):
        school.sync()
    school.space.key = "memory"
    assert school.sync().state == "done"


def test_trouble_midway_is_settled_and_the_next_sync_goes_on(school: School) -> None:
    calls = iter(range(99))

    def fail(batch: Any) -> None:
        if next(calls) == 1:
            raise Unavailable("the SIS is down")

    school.sink.before = fail
    with pytest.raises(Unavailable):
        school.sync()
    school.sink.before = None
    school.finish()
    assert school.sync().state == "done"
    assert len(school.results()) == 3
    assert quiet(school)


def test_a_sis_that_is_silent_while_it_is_read_back(school: School) -> None:
    """Nothing is lost by it: the next run compares."""
    reads = iter(range(99))
    read = school.sink.read

    def silent(kind: str, class_id: str) -> Any:
        if next(reads) == 2:
            raise Unavailable("the SIS does not answer")
        return read(kind, class_id)

    school.sink.read = silent  # type: ignore[method-assign]
    assert school.sync().findings == {"GRADES_NOT_READ_BACK": 1}
    assert quiet(school)


def test_items_wait_for_a_category_that_is_refused(tmp_path: Path) -> None:
    school = School(tmp_path, grades={"create_categories": True})
    school.sis.limits = SinkLimits(makes_categories=True)
    school.item("i1", category="c2")
    school.grade_all("i1", 5)
    school.decide(categories={"c1": "hw", "c2": "*"})
    school.sync(dry_run=True)
    own = str(next(each.after["category"] for each in _planned(school)))
    school.space.faults.refuse[own] = "no"
    result = school.sync()
    assert [counts(result, kind) for kind in ("category", "line_item", "result")] == [
        {"create": 1, "refused": 1}, {"create": 1, "waiting": 1}, {"create": 3, "waiting": 3},
    ]  # fmt: skip


def _planned(school: School) -> list[Any]:
    from rollbook.core.duck import connect
    from rollbook.core.plan import PlanReader, slices

    with connect() as db:
        reader = PlanReader(db, school.plan, school.world.blobs)
        return [change for part in slices(school.plan) if part.kind == "line_item" for change in reader.changes(part)]


@pytest.mark.rule(27)
def test_refusals_that_are_over_are_forgotten_by_section(tmp_path: Path) -> None:
    school = School(tmp_path, classes=("k1", "k2"))
    for code in ("k1", "k2"):
        school.item("i1", code, title="Essay", points=20)
        school.grade_all("i1", 15, code)
        school.space.faults.refuse[school.result_key("i1", "s2", code)] = "no"
    school.sync()
    refused = [school.result_key("i1", "s2", code) for code in ("k1", "k2")]
    assert {one.key for one in school.world.memory.refusals()} == set(refused)
    school.grade("i1", "s2", code="k1")
    school.sync("k1")
    assert [(one.key, one.section) for one in school.world.memory.refusals()] == [(refused[1], "k2")]
    school.undo(1, "k2", persons=("s1",))
    assert [one.key for one in school.world.memory.refusals()] == [refused[1]], "an undo forgets nothing"
    school.grade("i1", "s2", code="k2")
    school.sync(whole=True)
    assert not list(school.world.memory.refusals())
