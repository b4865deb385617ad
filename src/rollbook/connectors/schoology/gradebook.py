"""The LMS's gradebook objects to our words. Pure and total: odd values become "not set", never zero.

Facts: Schoology REST API v1, Grading Categories, Grading Scales, Assignments (grade items), Grades, Enrollments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollbook.connectors.schoology.lenient import Json, decimal, flag, ident, listing, mapping, number, optional, text
from rollbook.roster.grades import (
    EXCUSED,
    INCOMPLETE,
    LATE,
    MISSING,
    Grade,
    GradedItem,
    GradingCategory,
    GradingScale,
    Member,
    ScaleLevel,
)

#: 1 and 2 are documented; 3 and 4 were seen by clients.
_EXCEPTIONS: Final[Mapping[str, str]] = {"1": EXCUSED, "2": INCOMPLETE, "3": MISSING, "4": LATE}
_NONE: Final = frozenset({"", "0"})
#: Types of scales; what is none of them is taken for numbers, so that no letter is ever inferred.
_SCALES: Final[Mapping[str, tuple[str, str, str]]] = {
    "1": ("percent", "grade", "cutoff"),
    "3": ("points", "description", "points"),
}


def category(raw: Json) -> GradingCategory | None:
    """None for one without an id. Lists may lack the weight."""
    own = ident(raw.get("id"))
    if own is None:
        return None
    return GradingCategory(id=own, title=text(raw.get("title")), weight=decimal(raw.get("weight")))


def scale(raw: Json) -> GradingScale | None:
    """None for one without an id, as numbers are the scale 0."""
    own = ident(raw.get("id"))
    if own is None:
        return None
    kind, letter, cutoff = _SCALES.get(text(raw.get("type")), ("numeric", "", ""))
    known = [mapping(each) for each in listing(mapping(raw.get("scale")).get("level"))] if letter else []
    pairs = [(text(each.get(letter)), decimal(each.get(cutoff))) for each in known]
    levels = [ScaleLevel(letter=word, cutoff=least) for word, least in pairs if word and least is not None]
    levels.sort(key=lambda level: -level.cutoff)
    return GradingScale(id=own, title=text(raw.get("title")), kind=kind, levels=tuple(levels))


def item(raw: Json) -> GradedItem | None:
    """None for one without an id. Lists leave the description blank. Flags that are left out have their defaults."""
    own = ident(raw.get("id")) or ident(raw.get("grade_item_id"))
    if own is None:
        return None
    factor = decimal(raw.get("factor"))
    return GradedItem(
        id=own,
        title=text(raw.get("title")),
        description=text(raw.get("description")),
        due=optional(raw.get("due")),
        points=decimal(raw.get("max_points")),
        category=ident(raw.get("grading_category")) or ident(raw.get("grading_category_id")),
        grading_period=ident(raw.get("grading_period")) or ident(raw.get("grading_period_id")),
        scale=ident(raw.get("grading_scale")),
        published=_on(raw.get("published")),
        counted=_on(raw.get("count_in_grade")) and not flag(raw.get("collected_only")),
        final=flag(raw.get("is_final")),
        factor=1.0 if factor is None else factor,
    )


def member(raw: Json) -> Member | None:
    """None for one without an id. Whoever is not active (status 1) is expired, pending or archived."""
    own, user = ident(raw.get("id")), ident(raw.get("uid"))
    if own is None or user is None:
        return None
    unique_id, status = optional(raw.get("school_uid")), text(raw.get("status"))
    active = status in {"", "1"}
    return Member(id=own, user=user, unique_id=unique_id, admin=flag(raw.get("admin")), active=active)


def grade(raw: Json) -> Grade | None:
    """None where it does not say whose or for what it is. A grade that is no number is told, as unknown."""
    person, what = ident(raw.get("enrollment_id")), ident(raw.get("assignment_id"))
    if person is None or what is None:
        return None
    code, given = text(raw.get("exception")), text(raw.get("grade"))
    score = decimal(raw.get("grade"))
    unknown = "" if code in _NONE or code in _EXCEPTIONS else code
    if score is None and given and not unknown:
        unknown = given[:40]
    return Grade(
        item=what,
        member=person,
        score=score,
        exception=_EXCEPTIONS.get(code, ""),
        unknown_exception=unknown,
        comment=text(raw.get("comment")),
        at=number(raw.get("timestamp")) or None,
    )


def grade_name(raw: Json) -> str:
    """By what a grade is known again: it has no id of its own."""
    return f"{text(raw.get('enrollment_id'))}|{text(raw.get('assignment_id'))}"


def _on(value: Any) -> bool:
    """A flag that is on where it is left out."""
    return text(value) == "" or flag(value)
