"""A small class for tests of grades: a gradebook of the LMS, what the SIS says of the class, and what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from rollbook.passback.grade_types import Desired, Entry, Found, SectionRead, SectionWish
from rollbook.passback.grades import desired, result_key
from rollbook.passback.items import line_item_key
from rollbook.roster.changes import Fields
from rollbook.roster.grades import (
    ClassFacts,
    Grade,
    Gradebook,
    GradedItem,
    GradingCategory,
    Member,
    Session,
    SinkLimits,
    SisCategory,
)

V11 = SinkLimits()
V12 = SinkLimits(letters=True, flags=True)
QUARTERS = (
    Session(id="fall", title="Fall", type="term", start="2026-08-24", end="2027-01-22"),
    Session(id="q1", title="Quarter 1", type="gradingPeriod", start="2026-08-24", end="2026-10-30", parent="fall"),
    Session(id="q2", title="Quarter 2", type="gradingPeriod", start="2026-10-31", end="2027-01-22", parent="fall"),
)
STUDENTS = ("ann", "ben", "cy")
MAP = {"c1": "hw", "c2": "te", "c3": ""}


def item(id: str = "i1", **fields: Any) -> GradedItem:
    return GradedItem(**{"id": id, "title": f"Item {id}", "points": 10, "category": "c1", "due": "2026-10-05"} | fields)


def book(*items: GradedItem, grades: tuple[Grade, ...] = (), **more: Any) -> Gradebook:
    members = tuple(Member(id=f"m-{name}", user=f"u-{name}", unique_id=name) for name in STUDENTS)
    teacher = Member(id="m-t", user="u-t", unique_id="teacher", admin=True)
    categories = tuple(
        GradingCategory(id=id, title=title) for id, title in (("c1", "Homework"), ("c2", "Tests"), ("c3", "Practice"))
    )
    whole = {"section": "7", "categories": categories, "members": (*members, teacher)} | more
    return Gradebook(items=items or (item(),), grades=grades, **whole)


def grade(score: float | None = None, student: str = "ann", item: str = "i1", **fields: Any) -> Grade:
    return Grade(item=item, member=f"m-{student}", score=score, **fields)


def read(book: Gradebook, limits: SinkLimits = V12, **more: Any) -> SectionRead:
    """What is known of the class; `more` may give wish, had, live, facts …"""
    facts = ClassFacts(id="k1", school="A", sessions=QUARTERS, students=frozenset(STUDENTS))
    known: dict[str, Any] = {
        "wish": SectionWish(code="k1", categories=MAP),
        "organization": "maple",
        "zone": ZoneInfo("America/New_York"),
        "today": date(2026, 11, 23),
        "categories": (SisCategory(id="hw", title="Homework"), SisCategory(id="te", title="Tests")),
        "facts": facts,
        "had": {"category": {}, "line_item": {}, "result": {}},
    }
    return SectionRead(book=book, limits=limits, **known | more)


def wish(categories: Mapping[str, str] | None = None, **more: Any) -> SectionWish:
    return SectionWish(code="k1", categories=MAP if categories is None else categories, **more)


def wanted(book: Gradebook, limits: SinkLimits = V12, **more: Any) -> Desired:
    return desired(read(book, limits, **more))


def key(id: str = "i1") -> str:
    """The key of an item's line item."""
    return line_item_key(read(book()), id)


def result(student: str = "ann", id: str = "i1") -> str:
    """The key of a student's result."""
    return result_key(key(id), student)


def sent(found: Desired, **changes: Mapping[str, Any]) -> dict[str, dict[str, Entry]]:
    """The ledger after all of this was sent and read back."""
    return {
        "category": {},
        "line_item": {key: entry(key, fields) for key, fields in found.line_items.items()},
        "result": {key: entry(key, fields) for key, fields in found.results.items()},
    }


def entry(key: str, fields: Fields, **more: Any) -> Entry:
    return Entry(**{"key": key, "lms_id": None, "fields": fields, "sis": shown(fields)} | more)


def shown(fields: Fields) -> Fields:
    """What a SIS shows of it."""
    return {name: value for name, value in fields.items() if value is not None}


def live(had: Mapping[str, Mapping[str, Entry]]) -> dict[str, dict[str, Fields]]:
    """A SIS that shows just what was sent."""
    return {
        kind: {one.lms_id or key: shown(one.fields) for key, one in had[kind].items()}
        for kind in ("line_item", "result")
    }


def codes(found: list[Found]) -> list[str]:
    return [one.code for one in found]
