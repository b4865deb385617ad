"""What becomes of each grade (spec 8.3), and of the people who have none to get."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.roster.grades import (
    EXCUSED,
    INCOMPLETE,
    LATE,
    MISSING,
    ClassFacts,
    Grade,
    GradingScale,
    Member,
    ScaleLevel,
    SinkLimits,
)
from tests.unit.grade_kit import (
    QUARTERS,
    V11,
    V12,
    book,
    codes,
    entry,
    grade,
    item,
    key,
    read,
    result,
    sent,
    wanted,
    wish,
)

#: Score, exception → status, score and comment in 1.1; status, score and the flag that is up in 1.2. None: not sent.
TABLE: list[tuple[float | None, str, Any, Any]] = [
    (7, "", ("fully graded", 7, None), ("fully graded", 7, "")),
    (0, "", ("fully graded", 0, None), ("fully graded", 0, "")),
    (None, "", None, None),
    (None, EXCUSED, ("exempt", None, None), ("exempt", None, "")),
    (9, EXCUSED, ("exempt", None, None), ("exempt", None, "")),
    (None, MISSING, ("not submitted", None, "Missing"), ("not submitted", None, "missing")),
    (0, MISSING, ("not submitted", 0, "Missing"), ("not submitted", 0, "missing")),
    (8, LATE, ("fully graded", 8, "Late"), ("fully graded", 8, "late")),
    (None, LATE, None, ("submitted", None, "late")),
    (None, INCOMPLETE, ("partially graded", None, "Incomplete"), ("partially graded", None, "incomplete")),
    (4, INCOMPLETE, ("partially graded", 4, "Incomplete"), ("partially graded", 4, "incomplete")),
    (12, "", ("fully graded", 12, None), ("fully graded", 12, "")),
]


@pytest.mark.rule(32)
@pytest.mark.parametrize(("score", "exception", "old", "new"), TABLE)
def test_every_state_of_a_grade(score: float | None, exception: str, old: Any, new: Any) -> None:
    one = book(grades=(grade(score, exception=exception),))
    before = wanted(one, V11).results
    assert [(f["status"], f["score"], f["comment"]) for f in before.values()] == ([old] if old else [])
    assert all(f["late"] is f["missing"] is f["incomplete"] is None for f in before.values())
    after = wanted(one, V12).results
    up = [name for f in after.values() for name in ("late", "missing", "incomplete") if f[name]]
    assert [(f["status"], f["score"], "".join(up)) for f in after.values()] == ([new] if new else [])
    assert all(f["comment"] is None for f in after.values())


def test_a_late_mark_without_a_score_is_told_where_it_cannot_be_held() -> None:
    found = wanted(book(grades=(grade(exception=LATE),)), V11)
    assert codes(found.findings) == ["GRADE_LATE_ONLY"]
    assert found.blocked["result"] == 1


def test_a_state_that_nobody_knows_is_never_guessed() -> None:
    found = wanted(book(grades=(grade(unknown_exception="7"), grade(float("nan"), "ben"))))
    assert not found.results
    assert codes(found.findings) == ["GRADE_STATE_UNKNOWN"] * 2


def test_extra_credit_is_sent_unless_the_sis_refuses_it() -> None:
    one = book(grades=(grade(10), grade(10.5, "ben")))
    assert len(wanted(one).results) == 2
    found = wanted(one, SinkLimits(above_maximum=False))
    assert list(found.results) == [result("ann")]
    assert [(f.code, f.id) for f in found.findings] == [("GRADE_ABOVE_MAXIMUM", "ben")]


def test_a_comment_alone_is_no_grade_and_goes_only_where_the_settings_say_so() -> None:
    assert not wanted(book(grades=(grade(comment="See me"),)), comments=True).results
    one = book(grades=(grade(7, exception=LATE, comment=" Well done "),))
    assert wanted(one, V11).results[result()]["comment"] == "Late"
    assert wanted(one, V11, comments=True).results[result()]["comment"] == "Late. Well done"


@pytest.mark.parametrize(
    ("kind", "score", "letter"),
    [("percent", 9.5, "A"), ("percent", 9, "A"), ("percent", 8.9, "B"), ("percent", 1, None), ("points", 90, "A"),
     ("numeric", 9, None)],
)  # fmt: skip
def test_letters_of_the_scale(kind: str, score: float, letter: str | None) -> None:
    levels = (ScaleLevel(letter="A", cutoff=90), ScaleLevel(letter="B", cutoff=80))
    scale = GradingScale(id="s1", title="Letters", kind=kind, levels=() if kind == "numeric" else levels)
    one = book(item(scale="s1"), grades=(grade(score),), scales=(scale,))
    assert wanted(one, V12).results[result()]["text_score"] == letter
    assert wanted(one, V11).results[result()]["text_score"] is None


def test_the_day_of_a_grade() -> None:
    """The LMS's own, in the organization's zone; else the due day, as far as it is over."""
    at = 1_790_136_000  # 2026-09-23 04:00 UTC, which is midnight in New York
    for given, due, day in [(at, "2026-10-05", "2026-09-23"), (at - 1, "2026-10-05", "2026-09-22"),
                            (None, "2026-10-05", "2026-10-05"), (None, "2026-12-05", "2026-11-23"),
                            (10**18, "2026-10-05", "2026-10-05")]:  # fmt: skip
        found = wanted(book(item(due=due), grades=(grade(7, at=given),)))
        assert found.results[result()]["date"] == day


@pytest.mark.rule(32)
def test_people_who_are_not_in_the_class_are_left_out_in_words() -> None:
    strangers = (
        Member(id="m-left", user="u-l", unique_id="dee", active=False),
        Member(id="m-none", user="u-n", unique_id=None),
        Member(id="m-other", user="u-o", unique_id="eve"),
    )
    names = ("left", "none", "other", "t", "gone")
    one = book(grades=(*(grade(7, name) for name in names), grade(None, "other", "i2")))
    found = wanted(book(grades=one.grades, members=(*one.members, *strangers)))
    assert not found.results
    assert [(f.code, f.id, f.dependants) for f in found.findings] == [
        ("GRADE_MEMBER_LEFT", "dee", 1), ("GRADE_MEMBER_LEFT", "m-gone", 1), ("GRADE_MEMBER_UNKNOWN", "u-n", 1),
        ("GRADE_NOT_ENROLLED", "eve", 1),
    ]  # fmt: skip


def test_a_sis_that_cannot_be_asked_for_students_gets_all() -> None:
    facts = ClassFacts(id="k1", school="A", sessions=QUARTERS, students=None)
    members = (Member(id="m-eve", user="u", unique_id="eve"),)
    found = wanted(book(grades=(grade(7, "eve"),), members=members), facts=facts)
    assert [f["student"] for f in found.results.values()] == ["eve"]


def test_of_two_memberships_the_latest_grade_counts() -> None:
    twice = (Member(id="m-1", user="u", unique_id="ann"), Member(id="m-2", user="u", unique_id="ann"))
    grades = [Grade(item="i1", member="m-1", score=5, at=20), Grade(item="i1", member="m-2", score=9, at=10)]
    for order in (grades, grades[::-1], [*grades, Grade(item="i1", member="m-2", at=30)]):
        found = wanted(book(grades=tuple(order), members=twice))
        assert [f["score"] for f in found.results.values()] == [5]


@pytest.mark.rule(32)
@pytest.mark.parametrize("other", [{}, {"active": False}, {"admin": True}])
def test_two_accounts_with_one_students_id_get_neither_grade_sent(other: dict[str, Any]) -> None:
    """Somebody gave their account another's id: whose grades are whose is not guessed, and nothing is cleared."""
    twice = (Member(id="m-1", user="u-ann", unique_id="ann"), Member(id="m-2", user="u-eve", unique_id="ann", **other))
    ben = Member(id="m-3", user="u-ben", unique_id="ben")
    grades = tuple(Grade(item="i1", member=f"m-{n}", score=n, at=n) for n in (1, 2, 3))
    one = book(grades=(grade(7),))
    had = sent(wanted(one))
    found = wanted(book(grades=grades, members=(*twice, ben)), had=had)
    assert [(f["student"], f["score"]) for f in found.results.values()] == [("ben", 3)]
    assert [(f.code, f.id, f.dependants) for f in found.findings] == [("GRADE_STUDENT_TWICE", "ann", 2)]
    assert not found.cleared


@pytest.mark.rule(32)
def test_a_cleared_grade_is_cleared_and_one_of_a_leaver_stays() -> None:
    before = wanted(book(grades=(grade(7), grade(8, "ben"), grade(9, "cy"))))
    had = sent(before)
    members = tuple(each for each in book().members if each.unique_id != "cy")
    now = book(grades=(grade(7), grade(None, "ben")), members=members)
    assert wanted(now, had=had).cleared == {result("ben")}
    kept = wanted(now, SinkLimits(deletes=False), had=had)
    assert not kept.cleared
    emptied = kept.results[result("ben")]
    assert (emptied["status"], emptied["score"]) == ("not submitted", None)


def test_a_grade_that_cannot_be_sent_now_clears_nothing() -> None:
    had = sent(wanted(book(grades=(grade(7),))))
    for one in (grade(99), grade(unknown_exception="7")):
        found = wanted(book(grades=(one,)), SinkLimits(above_maximum=False), had=had)
        assert not found.cleared
        assert not found.results


def test_grades_of_an_item_that_is_not_sent_any_more_stay() -> None:
    had = sent(wanted(book(grades=(grade(7),))))
    for now, choice in (
        (book(item(published=False)), {}),
        (book(item(category="c3")), {}),
        (book(), {"i1": "opt_out"}),
    ):
        found = wanted(now, had=had, wish=wish(choices=choice))
        assert not found.cleared
        assert not found.deleted


def test_ids_are_the_same_for_the_same_thing_only() -> None:
    assert key("i1") == key("i1") != key("i2")
    assert result("ann") != result("ben")
    other = read(book(), organization="oak")
    from rollbook.passback.items import line_item_key

    assert line_item_key(other, "i1") != key("i1")
    assert len(key()) == 36


def test_reprs_tell_no_grades() -> None:
    found = wanted(book(grades=(grade(7.25),)))
    said = repr(entry(result(), found.results[result()])) + repr(read(book(grades=(grade(7.25),))))
    assert "7.25" not in said


@pytest.mark.parametrize(("score", "points", "letter"), [
    (8.7, 10, "B+"), (17.9, 20, "A-"), (8.69, 10, "B"), (17.89, 20, "B+"),
])  # fmt: skip
def test_a_letter_is_not_lost_to_how_computers_reckon(score: float, points: float, letter: str) -> None:
    levels = tuple(ScaleLevel(letter=word, cutoff=least) for word, least in (("A-", 89.5), ("B+", 87), ("B", 80)))
    scale = GradingScale(id="s", title="Letters", kind="percent", levels=levels)
    [found] = wanted(book(item(points=points, scale="s"), grades=(grade(score),), scales=(scale,))).results.values()
    assert found["text_score"] == letter
