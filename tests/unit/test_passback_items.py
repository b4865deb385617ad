"""Which graded items are sent, as what, and what is said of the others."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rollbook.passback.categories import carried_over, undecided
from rollbook.passback.dates import as_utc
from rollbook.roster.grades import ClassFacts, GradingCategory, Session, SinkLimits, SisCategory
from tests.unit.grade_kit import QUARTERS, V12, book, codes, entry, grade, item, key, live, sent, wanted, wish


def states(found: Any) -> dict[str, str]:
    return {note.item: note.state for note in found.notes}


def test_a_line_item_as_oneroster_has_it() -> None:
    found = wanted(book(item(title="  Quiz \n one ", due="2026-10-05 23:59:00", description="Read it", points=12.5)))
    assert found.line_items == {
        key(): {
            "title": "Quiz one", "assign_date": "2026-08-24T16:00:00.000Z", "due_date": "2026-10-06T03:59:00.000Z",
            "class": "k1", "school": "A", "category": "hw", "grading_period": "q1", "academic_session": "fall",
            "minimum": 0.0, "maximum": 12.5,
        }
    }  # fmt: skip
    assert found.notes[0].period == "Quarter 1"


@pytest.mark.parametrize(
    ("due", "stored"),
    [("2026-11-01", "2026-11-01T17:00:00.000Z"), ("2026-10-31", "2026-10-31T16:00:00.000Z"),
     ("2026-11-01 00:30:00", "2026-11-01T04:30:00.000Z"), ("2026-11-02 nonsense", "2026-11-02T17:00:00.000Z")],
)  # fmt: skip
def test_local_days_become_utc(due: str, stored: str) -> None:
    """Also on the day on which clocks are set back."""
    assert wanted(book(item(due=due))).line_items[key()]["due_date"] == stored


def test_nothing_is_due_before_it_was_assigned() -> None:
    found = wanted(book(item(due="2026-08-24 08:00:00"))).line_items[key()]
    assert found["assign_date"] == found["due_date"] == "2026-08-24T12:00:00.000Z"
    long = wanted(book(item(due="2026-10-05 08:00:00.000 and more")))
    assert long.notes[0].due == "2026-10-05 08:00:00"


@pytest.mark.rule(32)
def test_without_a_due_date_the_last_day_of_the_grading_period_counts() -> None:
    periods = {"p1": "q1"}
    first = wanted(book(item(due=None, grading_period="p1")), periods=periods).line_items[key()]
    assert (first["due_date"], first["grading_period"]) == ("2026-10-30T16:00:00.000Z", "q1")
    unknown = wanted(book(item(due=None, grading_period="p9")), periods=periods).line_items[key()]
    assert (unknown["due_date"], unknown["grading_period"]) == ("2027-01-22T17:00:00.000Z", "q2")


@pytest.mark.rule(32)
@pytest.mark.parametrize(
    ("fields", "limits", "code"),
    [
        ({"title": " "}, V12, "ITEM_TITLE_EMPTY"),
        ({"title": "x" * 31}, SinkLimits(title=30), "ITEM_TITLE_LONG"),
        ({"points": None}, V12, "ITEM_NO_POINTS"),
        ({"points": float("inf")}, V12, "ITEM_NO_POINTS"),
        ({"due": "2027-06-30"}, V12, "ITEM_DUE_OUTSIDE"),
    ],
)
def test_what_the_sis_would_refuse_is_told_before_it_is_sent(
    fields: dict[str, Any], limits: SinkLimits, code: str
) -> None:
    found = wanted(book(item(**fields), item("i2"), grades=(grade(3), grade(4, item="i2"))), limits)
    assert codes(found.findings) == [code]
    assert states(found) == {"i1": "blocked", "i2": "ready"}
    assert list(found.line_items) == [key("i2")]
    assert [each["line_item"] for each in found.results.values()] == [key("i2")]


def test_a_title_that_fits_exactly_is_sent() -> None:
    assert wanted(book(item(title="x" * 30)), SinkLimits(title=30)).line_items


def test_titles_that_the_class_has_twice() -> None:
    limits = SinkLimits(unique_titles=True)
    found = wanted(
        book(item(title="Quiz"), item("i2", title="quiz"), item("i3", title="Quiz", published=False)), limits
    )
    assert codes(found.findings) == ["ITEM_TITLE_TWICE"] * 2
    theirs = {"line_item": {"x": {"title": "QUIZ"}}, "result": {}}
    assert codes(wanted(book(item(title="Quiz")), limits, live=theirs).findings) == ["ITEM_TITLE_TWICE"]
    had = sent(wanted(book(item(title="Quiz"))))
    gone = wanted(book(item("i2", title="Quiz")), limits, had=had, live=live(had))
    assert sorted(codes(gone.findings)) == ["ITEM_DELETED", "ITEM_TITLE_TWICE"], "it is there until somebody chooses"
    chosen = wish(items={key(): "i1"}, choices={"i1": "remove"})
    assert not wanted(book(item("i2", title="Quiz")), limits, had=had, live=live(had), wish=chosen).findings
    assert not wanted(book(item(title="Quiz")), limits, had=had, live=live(had)).findings
    assert len(wanted(book(item(title="Quiz"), item("i2", title="Quiz"))).line_items) == 2


def test_a_class_without_sessions() -> None:
    facts = ClassFacts(id="k1", school="A", sessions=(), students=None)
    assert codes(wanted(book(item(due=None)), facts=facts).findings) == ["ITEM_NO_DUE_DATE"]
    found = wanted(book(item()), facts=facts).line_items[key()]
    assert (found["grading_period"], found["academic_session"]) == (None, None)


def test_a_class_with_a_term_alone_and_one_with_odd_days() -> None:
    odd = Session(id="odd", title="Odd", type="gradingPeriod", start="", end="soon")
    facts = ClassFacts(id="k1", school="A", sessions=(QUARTERS[0], odd))
    found = wanted(book(item()), facts=facts).line_items[key()]
    assert (found["grading_period"], found["academic_session"]) == ("fall", "fall")


@pytest.mark.rule(32)
def test_unpublished_items_and_items_without_category_are_not_sent() -> None:
    one = book(item(published=False), item("i2", category=None), item("i3", category="c3"))
    found = wanted(one)
    assert states(found) == {"i1": "left_out", "i2": "left_out", "i3": "left_out"}
    assert codes(found.findings) == ["ITEM_NO_CATEGORY"], "what is meant so is no finding"
    had = sent(wanted(book(item())))
    assert codes(wanted(book(item(published=False)), had=had).findings) == ["ITEM_UNPUBLISHED"]


def test_items_of_an_older_course_start_opted_out() -> None:
    old = item(due="2025-10-05")
    found = wanted(book(old))
    assert (states(found), codes(found.findings)) == ({"i1": "opted_out"}, ["ITEM_FROM_BEFORE"])
    asked = wanted(book(old), wish=wish(choices={"i1": "opt_in"}))
    assert codes(asked.findings) == ["ITEM_DUE_OUTSIDE"], "opted in, it has to fit"
    had = sent(wanted(book(item())))
    assert states(wanted(book(old), had=had)) == {"i1": "blocked"}, "what was sent once is not from before"


def test_nothing_is_sent_before_every_category_with_items_is_decided() -> None:
    one = book(item(), item("i2", category="c2"), item("i3", category="zz"), grades=(grade(7),))
    found = wanted(one, wish=wish({"c1": "hw"}))
    assert found.open
    assert not found.line_items
    assert not found.results
    assert states(found) == {"i1": "ready", "i2": "undecided", "i3": "undecided"}
    assert [(f.code, f.detail) for f in found.findings] == [("CATEGORIES_UNDECIDED", "Tests, zz")]
    settled = wanted(one, wish=wish({"c1": "hw", "c2": "", "zz": "te"}))
    assert list(settled.line_items) == sorted([key("i1"), key("i3")], key=list(settled.line_items).index)


@pytest.mark.parametrize("hidden", [item("i2", category="c2", published=False), item("i2", category=None)])
def test_categories_without_items_ask_nobody(hidden: Any) -> None:
    assert not wanted(book(item(), hidden), wish=wish({"c1": "hw"})).open
    opted = wish({"c1": "hw"}, choices={"i2": "opt_out"})
    assert not undecided(book(item(), item("i2", category="c2")), opted)


def test_a_category_that_is_gone_from_the_sis_blocks_its_items_alone() -> None:
    one = book(item(), item("i2", category="c2"))
    found = wanted(one, categories=(SisCategory(id="te", title="Tests"),))
    assert states(found) == {"i1": "blocked", "i2": "ready"}
    assert [(f.code, f.id) for f in found.findings] == [("ITEM_CATEGORY_GONE", "i1")]
    assert "Homework" in found.findings[0].detail


def test_points_that_change_after_grades_were_sent_are_told() -> None:
    had = sent(wanted(book(grades=(grade(7),))))
    found = wanted(book(item(points=20), grades=(grade(7),)), had=had)
    assert [(f.code, f.detail) for f in found.findings] == [("ITEM_POINTS_CHANGED", "Item i1: from 10 to 20")]
    assert found.line_items[key()]["maximum"] == 20
    assert not wanted(book(item(points=20)), had=sent(wanted(book()))).findings, "there are no grades yet"


@pytest.mark.parametrize(("fields", "how"), [({"factor": 2.0}, "2 times"), ({"counted": False}, "not at all")])
def test_what_the_lms_counts_otherwise_is_told(fields: dict[str, Any], how: str) -> None:
    found = wanted(book(item(**fields)))
    assert [(f.code, f.detail) for f in found.findings] == [
        ("ITEM_COUNTS_OTHERWISE", f"Item i1: the LMS counts it {how}")
    ]
    assert found.line_items


@pytest.mark.rule(32)
def test_a_deleted_item_waits_for_a_choice() -> None:
    had = sent(wanted(book(item(), item("i2"))))
    known = {key("i1"): "i1"}
    for choice, state, told, deleted in (
        ("", "deleted", ["ITEM_DELETED"], {key("i1"): False}),
        ("keep", "kept", [], {}),
        ("remove", "removed", [], {key("i1"): True}),
    ):
        decided = wish(items=known, choices={"i1": choice} if choice else {})
        found = wanted(book(item("i2")), had=had, wish=decided)
        assert states(found) == {"i2": "ready", "i1": state}
        assert (codes(found.findings), found.deleted) == (told, deleted)
    forgotten = wanted(book(item("i2")), had=had)
    assert forgotten.findings[0].id == key("i1"), "without a row it goes by its key"


def test_a_map_is_carried_over_by_titles() -> None:
    """Into the next term, where all ids are new: the latest section counts, doubled titles do not."""
    lms = [GradingCategory(id=f"n{n}", title=title) for n, title in enumerate(["home  WORK", "Tests", "Labs", "Labs"])]
    sis = [
        SisCategory(id="s1", title="Homework"),
        SisCategory(id="s2", title="Exams"),
        SisCategory(id="s3", title="Exams"),
    ]
    old_lms = [GradingCategory(id="1", title="Home work"), GradingCategory(id="2", title="Tests"),
               GradingCategory(id="3", title="Labs")]  # fmt: skip
    old_sis = [SisCategory(id="a", title="homework"), SisCategory(id="b", title="Exams")]
    latest = (old_lms, old_sis, {"1": "a", "3": ""})
    older = (old_lms, old_sis, {"1": "", "2": "b"})
    assert carried_over([latest, older], lms, sis) == {"n0": "s1"}
    assert carried_over([older], lms[:3], sis[:2]) == {"n0": "", "n1": "s2"}
    assert carried_over([], lms, sis) == {}


def test_entries_say_nothing_of_people() -> None:
    assert "Item" not in repr(entry("k", {"title": "Item"}))


@pytest.mark.parametrize("day", ["2026-12-15", "2026-07-01"])
@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Pacific/Kiritimati", "America/New_York", "Etc/GMT+12"])
def test_a_day_is_the_same_day_in_utc(zone: str, day: str) -> None:
    assert as_utc(day, ZoneInfo(zone))[:10] == day
