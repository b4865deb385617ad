"""Line items and results as rows of OneRoster CSV 1.1 and 1.2. Pure.

Headers and their order: CSV binding 1.1.1 and 1.2.1, tables of categories.csv, lineItems.csv and results.csv.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from rollbook.connectors.oneroster_csv.formulas import is_formula
from rollbook.roster.changes import Fields

Cells = dict[str, str]

#: Files by our kind.
FILES: Final = MappingProxyType({"category": "categories", "line_item": "lineItems", "result": "results"})
_START: Final = ("sourcedId", "status", "dateLastModified")
_ITEM: Final = ("title", "description", "assignDate", "dueDate", "classSourcedId", "categorySourcedId")
_RESULT: Final = ("lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate", "comment")
HEADERS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "1.1": {
            "category": (*_START, "title"),
            "line_item": (*_START, *_ITEM, "gradingPeriodSourcedId", "resultValueMin", "resultValueMax"),
            "result": (*_START, *_RESULT),
        },
        "1.2": {
            "category": (*_START, "title", "weight"),
            "line_item": (
                *_START, *_ITEM, "academicSessionSourcedId", "resultValueMin", "resultValueMax", "schoolSourcedId",
            ),
            "result": (
                *_START, *_RESULT, "textScore", "classSourcedId", "inProgress", "incomplete", "late", "missing",
            ),
        },
    }
)  # fmt: skip
#: Every file that a manifest of the version names.
MANIFEST: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "1.1": (
            "academicSessions", "categories", "classes", "classResources", "courses", "courseResources",
            "demographics", "enrollments", "lineItems", "orgs", "resources", "results", "users",
        ),
        "1.2": (
            "academicSessions", "categories", "classes", "classResources", "courses", "courseResources",
            "demographics", "enrollments", "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs",
            "resources", "resultLearningObjectiveIds", "results", "resultScoreScales", "roles", "scoreScales",
            "userProfiles", "userResources", "users",
        ),
    }
)  # fmt: skip
#: Columns that must hold something, by kind; 1.1 demands a score too, but no score is never made a score of 0.
_NEEDED: Final = {
    "category": ("title",),
    "line_item": ("title", "assignDate", "dueDate", "classSourcedId", "categorySourcedId"),
    "result": ("lineItemSourcedId", "studentSourcedId", "scoreStatus", "scoreDate"),
}
#: A longer text is cut; the binding asks nobody to take more than 255 letters.
_LONGEST: Final = 10_000
_SESSIONS: Final = ("gradingPeriodSourcedId", "academicSessionSourcedId")
#: Columns and our fields, where nothing is lost on the way: the rest is not read back.
_BACK: Final = {
    "title": "title", "classSourcedId": "class", "schoolSourcedId": "school", "categorySourcedId": "category",
    "lineItemSourcedId": "line_item", "studentSourcedId": "student", "scoreStatus": "status", "textScore": "text_score",
    "scoreDate": "date",
}  # fmt: skip
_NUMBERS: Final = {"resultValueMin": "minimum", "resultValueMax": "maximum", "score": "score"}
_FLAGS: Final = {"incomplete": "incomplete", "late": "late", "missing": "missing"}


def row(kind: str, own: str, fields: Mapping[str, Any], version: str, zone: ZoneInfo) -> Cells:
    """An active row; times become days in `zone`."""
    values = {
        "title": fields.get("title"),
        "description": fields.get("description"),
        "assignDate": _day(fields.get("assign_date"), zone),
        "dueDate": _day(fields.get("due_date"), zone),
        "classSourcedId": fields.get("class"),
        "categorySourcedId": fields.get("category"),
        "schoolSourcedId": fields.get("school"),
        "lineItemSourcedId": fields.get("line_item"),
        "studentSourcedId": fields.get("student"),
        "scoreStatus": fields.get("status"),
        "textScore": fields.get("text_score"),
        "scoreDate": _day(fields.get("date"), zone),
        "comment": fields.get("comment"),
        **dict.fromkeys(_SESSIONS, fields.get("grading_period") or fields.get("academic_session")),
        **{column: _number(fields.get(name)) for column, name in _NUMBERS.items()},
        **{column: _flag(fields.get(name)) for column, name in _FLAGS.items()},
    }
    said = {"sourcedId": own, "status": "active", "dateLastModified": ""}
    return {column: said.get(column) or clean(values.get(column)) for column in HEADERS[version][kind]}


def lacking(kind: str, cells: Cells) -> list[str]:
    """Columns that the binding wants filled, and are not."""
    needed = [*_NEEDED[kind], *(name for name in _SESSIONS if name in cells)]
    return [name for name in needed if not cells[name]]


def fields_of(cells: Cells) -> Fields:
    """Our fields of a row, as far as a file keeps them: a comment may have lost its line ends, a due date its time."""
    found: Fields = {ours: bare(cells[column]) for column, ours in _BACK.items() if cells.get(column)}
    found |= {ours: float(cells[column]) for column, ours in _NUMBERS.items() if _is_number(cells.get(column))}
    return found | {ours: cells[column] == "true" for column, ours in _FLAGS.items() if cells.get(column)}


def clean(value: Any) -> str:
    """A cell: one line (the binding allows no line break in it), and nothing that a spreadsheet would run."""
    lines = re.split(r"[\r\n\0\t\v\f\x1c-\x1e\x85\u2028\u2029]+", "" if value is None else str(value)[:_LONGEST])
    text = " ".join(line.strip() for line in lines).strip().encode("utf-8", "replace").decode()
    return f"'{text}" if is_formula(text) else text


def bare(cell: str) -> str:
    """A cell without the sign that keeps a spreadsheet from running it."""
    return cell[1:] if cell[:1] == "'" and is_formula(cell[1:]) else cell


def _day(value: Any, zone: ZoneInfo) -> str:
    """A day stays that day; a moment becomes the day it falls on."""
    try:
        moment = datetime.fromisoformat(str(value or ""))
    except ValueError:
        return ""
    if len(str(value)) <= len("YYYY-MM-DD"):
        return moment.date().isoformat()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone).date().isoformat()


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_number(repr(value)):
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def _is_number(text: str | None) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text or "") is not None


def _flag(value: Any) -> str:
    return "" if value is None else "true" if value else "false"
