"""Schoology's gradebook objects as they may come, and how its pages are judged."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.connectors.kit.lenient import decimal
from rollbook.connectors.schoology import gradebook as words
from rollbook.connectors.schoology.gradebook import grade_name
from rollbook.connectors.schoology.sweep import Listing, Sweep
from rollbook.roster.grades import EXCUSED, LATE, MISSING, ScaleLevel
from rollbook.testing.odd import json_values

GRADE = {"enrollment_id": 51, "assignment_id": "9", "timestamp": "1789651403"}


@pytest.mark.parametrize(
    ("raw", "score", "exception", "unknown"),
    [
        ({"grade": 80, "exception": 0}, 80.0, "", ""),
        ({"grade": "80.50", "exception": "0"}, 80.5, "", ""),
        ({"grade": 0}, 0.0, "", ""),
        ({"grade": "0"}, 0.0, "", ""),
        ({"grade": None, "exception": 1}, None, EXCUSED, ""),
        ({"grade": "", "exception": "3"}, None, MISSING, ""),
        ({"grade": 110, "exception": 4}, 110.0, LATE, ""),
        ({"grade": None, "exception": 7}, None, "", "7"),
        ({"grade": "B+"}, None, "", "B+"),
        ({"grade": True}, None, "", "1"),
        ({"grade": "nan"}, None, "", "nan"),
        ({"grade": "1e999"}, None, "", "1e999"),
        ({}, None, "", ""),
    ],
)
def test_no_grade_is_made_up(raw: dict[str, Any], score: float | None, exception: str, unknown: str) -> None:
    found = words.grade(GRADE | raw)
    assert found is not None
    assert (found.item, found.member, found.at) == ("9", "51", 1789651403)
    assert (found.score, found.exception, found.unknown_exception) == (score, exception, unknown)


def test_a_grade_of_nobody_is_none() -> None:
    assert words.grade({"assignment_id": 9, "grade": 5}) is None
    assert words.grade({"enrollment_id": 9, "grade": 5}) is None


def test_what_a_list_of_items_leaves_out_has_its_default() -> None:
    found = words.item({"id": 7, "title": "  Quiz ", "due": "", "grading_category": 0, "grading_period": "0"})
    assert found is not None
    assert (found.title, found.due, found.category, found.grading_period, found.scale) == (
        "Quiz",
        None,
        None,
        None,
        None,
    )
    assert (found.published, found.counted, found.final, found.factor, found.points) == (True, True, False, 1.0, None)
    odd = words.item({"grade_item_id": "7", "published": 0, "count_in_grade": "0", "is_final": "1", "factor": "0.5"})
    assert odd is not None
    assert (odd.id, odd.published, odd.counted, odd.final, odd.factor) == ("7", False, False, True, 0.5)
    collected = words.item({"id": 7, "collected_only": "1", "grading_category_id": 4341})
    assert collected is not None
    assert (collected.counted, collected.category) == (False, "4341")


def test_scales() -> None:
    percent = {"level": [{"grade": "B", "cutoff": "80"}, {"grade": "A", "cutoff": 90}, {"grade": "", "cutoff": 0}]}
    found = words.scale({"id": 1, "title": "A-F", "type": "1", "scale": percent})
    assert found is not None
    assert (found.kind, found.levels) == (
        "percent", (ScaleLevel(letter="A", cutoff=90.0), ScaleLevel(letter="B", cutoff=80.0))
    )  # fmt: skip
    points = words.scale({"id": 2, "type": 3, "scale": {"level": {"points": 4, "description": "Great"}}})
    assert points is not None
    assert (points.kind, points.levels) == ("points", (ScaleLevel(letter="Great", cutoff=4.0),))
    unknown = words.scale({"id": 3, "type": 9, "scale": percent})
    assert unknown is not None
    assert (unknown.kind, unknown.levels) == ("numeric", ())
    assert words.scale({"id": 0, "type": 0}) is None


@pytest.mark.parametrize(
    ("status", "active"), [("1", True), (1, True), (None, True), (2, False), (3, False), (5, False)]
)
def test_only_status_1_is_active(status: Any, active: bool) -> None:
    found = words.member({"id": 5, "uid": "6", "school_uid": "", "admin": "1", "status": status})
    assert found is not None
    assert (found.active, found.admin, found.unique_id) == (active, True, None)


@given(
    raw=st.dictionaries(st.sampled_from(["id", "uid", "title", "type", "scale", "grade", "due", "status"]), json_values)
)
def test_reading_is_total(raw: dict[str, Any]) -> None:
    for read in (words.item, words.scale, words.category, words.member, words.grade):
        read({"id": 1, "uid": 2, "enrollment_id": 3, "assignment_id": 4, **raw})


# --- pages ------------------------------------------------------------------------------------------------------------


def sweep(listing: Listing, asked: int, *bodies: Any) -> tuple[list[str], list[int], bool]:
    """The names that came, where each page began, and whether that was the whole."""
    one, names, starts = Sweep(listing, asked), [], []
    for body in bodies:
        if one.finished:
            break
        starts.append(one.start)
        rows = one.rows(body)
        assert rows is not None
        names += [listing.name(row) for row in one.add(body, rows)]
    return names, starts, one.finished and one.steady


def page(*numbers: int, final: int = 0, **more: Any) -> dict[str, Any]:
    return {"assignment": [{"id": n, "is_final": str(int(n > 100))} for n in numbers], **more}


ITEMS = Listing(path=("assignment",), lane="is_final")


def test_items_are_paged_by_ordinary_and_final_ones() -> None:
    names, starts, whole = sweep(ITEMS, 2, page(1, 2, 101, 102, total="6"), page(3, 103, total="6"))
    assert (names, starts, whole) == (["1", "2", "101", "102", "3", "103"], [0, 2], True)
    _, starts, whole = sweep(ITEMS, 2, page(1, 2, 101, total=5), page(3, 4, total=5))
    assert (starts, whole) == ([0, 2], True)


GRADES = Listing(path=("grades", "grade"), name=grade_name, silent=True)


def grades(*numbers: int, **more: Any) -> dict[str, Any]:
    return {"grades": {"grade": [{"enrollment_id": n, "assignment_id": 1} for n in numbers]}, **more}


@pytest.mark.parametrize(
    ("asked", "bodies", "came", "whole"),
    [
        (200, [grades(1, 2)], 2, True),
        (2, [grades(1, 2), grades(3)], 3, True),
        (2, [grades(1, 2), grades()], 2, True),
        (2, [grades(1, 2), grades(1, 2)], 2, True),  # it does not page at all
        (2, [grades(1, 2), grades(2, 3), grades()], 3, False),  # it moved underway
        (2, [grades(1, 2, total=3), grades(3, total=3)], 3, True),
        (2, [grades(1, 2, total=4), grades(3, total=4), grades(total=4)], 3, False),
        (2, [grades(1, 2, total=3), grades(3, total=2)], 3, False),
        (2, [grades(1, 2, links={"next": "https://x"}), grades(3, links={"next": None})], 3, True),
        (2, [grades(1, 2, links={"next": "https://x"}), grades(links={"next": ""})], 2, True),
        (200, [{"grades": {"grade": [], "total": 0}}], 0, True),
        (200, [{"grades": []}], 0, True),
    ],
)
def test_grades_are_the_whole_or_nothing(asked: int, bodies: list[Any], came: int, whole: bool) -> None:
    names, _, steady = sweep(GRADES, asked, *bodies)
    assert (len(names), steady) == (came, whole)


def test_no_moment_is_not_the_year_1970() -> None:
    raw = {"enrollment_id": 1, "assignment_id": 2, "grade": 7}
    assert [words.grade(raw | {"timestamp": at}) for at in (0, "0", None)] == [words.grade(raw)] * 3


@pytest.mark.parametrize("value", ["1_0", "1__0", "0x1A"])
def test_what_only_python_takes_for_a_number_is_none(value: str) -> None:
    assert decimal(value) is None
