"""Fields of grades and titles of sections, in words: for pages of both rivers that list what was sent. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.core.pins import NOT_THERE
from rollbook.roster.grades import EXEMPT, FULLY, GRADE_KINDS, NOT_SUBMITTED, PARTIALLY, SUBMITTED
from rollbook.store.models import GradeItem, GradeSection, PinRow, SectionLine
from rollbook.store.school_names import SchoolNames
from rollbook.web.grade_changes import grade_text
from rollbook.web.grade_help import person_names
from rollbook.web.plan_words import value_words

#: Every field of the kinds of grades.
GRADE_FIELDS: Final = {
    "title": gettext_lazy("Title"),
    "description": gettext_lazy("Description"),
    "assign_date": gettext_lazy("Assigned on"),
    "due_date": gettext_lazy("Due date"),
    "class": gettext_lazy("Section"),
    "school": gettext_lazy("School"),
    "category": gettext_lazy("Category"),
    "grading_period": gettext_lazy("Grading period"),
    "academic_session": gettext_lazy("Term"),
    "minimum": gettext_lazy("Fewest points"),
    "maximum": gettext_lazy("Points"),
    "line_item": gettext_lazy("Graded item"),
    "student": gettext_lazy("Student"),
    "status": gettext_lazy("Status"),
    "score": gettext_lazy("Score"),
    "text_score": gettext_lazy("Letter or words"),
    "date": gettext_lazy("Graded on"),
    "comment": gettext_lazy("Comment"),
    "late": gettext_lazy("Late"),
    "missing": gettext_lazy("Missing"),
    "incomplete": gettext_lazy("Incomplete"),
}
STATES: Final = {
    FULLY: gettext_lazy("graded"),
    EXEMPT: gettext_lazy("excused"),
    NOT_SUBMITTED: gettext_lazy("not handed in"),
    PARTIALLY: gettext_lazy("incomplete"),
    SUBMITTED: gettext_lazy("handed in, no score"),
}
_DAYS: Final = frozenset({"assign_date", "due_date", "date"})
_AT_ONCE: Final = 500


def section_titles(organization: int, codes: Collection[str]) -> SchoolNames:
    """Titles of sections by their codes; one that is not listed (any more) has none."""
    some, found = sorted(codes), SchoolNames()
    for start in range(0, len(some), _AT_ONCE):
        lines = SectionLine.objects.filter(organization=organization, code__in=some[start : start + _AT_ONCE])
        found.update((code, title) for code, title in lines.values_list("code", "title") if title)
    return found


class PinWords:
    """The pins of grades among these rows: `words` are what the page of pins shows of one."""

    def __init__(self, organization: int, rows: Sequence[PinRow]) -> None:
        grades = [row for row in rows if row.kind in GRADE_KINDS]
        codes = {row.school for row in grades if row.school}
        self.titles = section_titles(organization, codes)
        sections = GradeSection.objects.filter(organization=organization, code__in=codes)
        self._categories = {
            (row.code, each["id"]): each["title"] for row in sections for each in row.seen.get("sis", ())
        }
        items = GradeItem.objects.filter(section__in=sections, key__in=_items(grades))
        self._items = dict(items.values_list("key", "title"))
        self._people = person_names(organization, _students(grades))

    def words(self, row: PinRow) -> dict[str, Any]:
        code, whole = row.school or "", not row.field
        kept, says = (_read(text) for text in (row.value, row.sis))
        return {
            "row": row,
            "title": self._title(row, kept, says),
            "what": GRADE_FIELDS.get(row.field, row.field) if row.field else _("all of it"),
            "kept": _whole(row.kind, kept) if whole else self._text(row.field, kept, code),
            "sis": _whole(row.kind, says) if whole else self._text(row.field, says, code),
            "school": self.titles.label(code),
            "section": code,
        }

    def _title(self, row: PinRow, *sides: Any) -> str:
        """Of an item its title, of a grade those of item and student; empty where nobody knows."""
        if row.kind != "result":
            named = next((str(one["title"]) for one in sides if isinstance(one, Mapping) and one.get("title")), "")
            return self._items.get(row.key) or named
        side = next((one for one in sides if isinstance(one, Mapping)), {})
        student = str(side.get("student") or "")
        parts = [self._items.get(str(side.get("line_item")), ""), self._people.get(student, student)]
        return ", ".join(part for part in parts if part)

    def _text(self, name: str, value: Any, code: str) -> str:
        if name == "category":
            value = self._categories.get((code, value), value)
        elif name == "status" and value in STATES:
            value = str(STATES[value])
        elif name in _DAYS and isinstance(value, str):
            value = _day(value)
        elif isinstance(value, float):
            value = f"{value:g}"
        return value_words(value) or _("nothing")


def _items(rows: Sequence[PinRow]) -> set[str]:
    """Keys of the line items that pins are about."""
    found = {row.key for row in rows if row.kind == "line_item"}
    for row in rows:
        if row.kind == "result" and not row.field:
            sides = (_read(text) for text in (row.value, row.sis))
            found |= {str(one.get("line_item")) for one in sides if isinstance(one, Mapping)}
    return found


def _students(rows: Sequence[PinRow]) -> set[str]:
    """Unique ids of those whose whole grades pins are about."""
    results = [row for row in rows if row.kind == "result" and not row.field]
    sides = [_read(text) for row in results for text in (row.value, row.sis)]
    return {str(one["student"]) for one in sides if isinstance(one, Mapping) and one.get("student")}


def _read(text: str) -> Any:
    return None if text == NOT_THERE else msgspec.json.decode(text)


def _whole(kind: str, side: Any) -> str:
    if not isinstance(side, Mapping):
        return _("nothing")
    return (grade_text(side) if kind == "result" else "") or _("there")


def _day(text: str) -> str:
    try:
        return date_format(date.fromisoformat(text[:10]), "DATE_FORMAT")
    except ValueError:
        return text
