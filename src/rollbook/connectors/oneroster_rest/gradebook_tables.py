"""Line items and results as data: our fields, their names on the wire, and how each is written and read.

Facts: OneRoster 1.1 text and the 1.2 Gradebook OpenAPI document (G12). Pure and total: odd values become "not there".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from rollbook.connectors.oneroster_rest.translate import text
from rollbook.roster.changes import Fields
from rollbook.roster.grades import EXEMPT, NOT_SUBMITTED, SUBMITTED

Json = dict[str, Any]
#: The address of an object, by the plural of its kind and its sourcedId.
Address = Callable[[str, str], str]

WORDS, MOMENT, DAY, NUMBER, FLAG = "words", "moment", "day", "number", "flag"


@dataclass(frozen=True, kw_only=True)
class Wire:
    """One kind on the wire: `single` wraps one object, `plural` is its list; `fields` maps ours to name and form, where
    a form that is none of the above is the plural of what is referred to. `only_12` are fields that 1.1 lacks."""

    single: str
    plural: str
    fields: Mapping[str, tuple[str, str]]
    only_12: frozenset[str] = frozenset()


#: By our kind. A line item of 1.1 has no school and no academicSession, a result no class, text or flags (G12, O11).
WIRES: Final[Mapping[str, Wire]] = MappingProxyType(
    {
        "category": Wire(single="category", plural="categories", fields={"title": ("title", WORDS)}),
        "line_item": Wire(
            single="lineItem",
            plural="lineItems",
            fields={
                "title": ("title", WORDS),
                "description": ("description", WORDS),
                "assign_date": ("assignDate", MOMENT),
                "due_date": ("dueDate", MOMENT),
                "class": ("class", "classes"),
                "school": ("school", "orgs"),
                "category": ("category", "categories"),
                "grading_period": ("gradingPeriod", "academicSessions"),
                "academic_session": ("academicSession", "academicSessions"),
                "minimum": ("resultValueMin", NUMBER),
                "maximum": ("resultValueMax", NUMBER),
            },
            only_12=frozenset({"school", "academic_session"}),
        ),
        "result": Wire(
            single="result",
            plural="results",
            fields={
                "line_item": ("lineItem", "lineItems"),
                "student": ("student", "users"),
                "class": ("class", "classes"),
                "status": ("scoreStatus", WORDS),
                "score": ("score", NUMBER),
                "text_score": ("textScore", WORDS),
                "date": ("scoreDate", DAY),
                "comment": ("comment", WORDS),
                "late": ("late", FLAG),
                "missing": ("missing", FLAG),
                "incomplete": ("incomplete", FLAG),
            },
            only_12=frozenset({"class", "text_score", "late", "missing", "incomplete"}),
        ),
    }
)
#: What the `type` of a reference says.
_TYPES: Final = {"classes": "class", "orgs": "org", "categories": "category", "academicSessions": "academicSession",
                 "lineItems": "lineItem", "users": "user"}  # fmt: skip
_NO_SCORE: Final = frozenset({EXEMPT, SUBMITTED, NOT_SUBMITTED})


def to_wire(
    kind: str, own: str, fields: Mapping[str, Any], *, version: str, address: Address, zero: bool = False
) -> Json:
    """The whole object, as a PUT replaces it whole. What is not known is left out: no score is never a score of 0. Only
    with `zero`, a SIS of 1.1 that demands scores gets one beside states that have none (1.1's document; spec 8.3)."""
    wire = WIRES[kind]
    said: Json = {"sourcedId": own, "status": "active", "dateLastModified": moment(datetime.now(UTC))}
    for name, (theirs, form) in wire.fields.items():
        value = fields.get(name)
        if value is None or value == "" or (version == "1.1" and name in wire.only_12):
            continue
        said[theirs] = _said(value, form, address)
    if zero and version == "1.1" and kind == "result" and fields.get("status") in _NO_SCORE:
        said.setdefault("score", 0)
    return said


def from_wire(kind: str, record: Mapping[str, Any], *, version: str) -> Fields:
    """Our fields of an object; absent and unreadable ones are left out."""
    fields: Fields = {}
    for name, (theirs, form) in WIRES[kind].fields.items():
        read: Callable[[Any], Any] = _READ.get(form, text)
        value = read(record.get(theirs))
        if value is not None:
            fields[name] = value
    if "status" in fields:
        fields["status"] = fields["status"].lower()
        if fields.get("score") == 0 and version == "1.1" and fields["status"] in _NO_SCORE:
            del fields["score"]  # 1.1 demands one
    return fields


def deleted(record: Mapping[str, Any]) -> bool:
    """`inactive` is 1.0's word for it."""
    return str(record.get("status") or "").lower() in {"tobedeleted", "inactive"}


def moment(when: datetime) -> str:
    """OneRoster dateTime: UTC, milliseconds, Z."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def number(value: Any) -> float | None:
    """A finite number, also where it comes as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _said(value: Any, form: str, address: Address) -> Any:
    if form == FLAG:
        return "true" if value else "false"
    if form == NUMBER:
        found = number(value)
        return int(found) if found is not None and found.is_integer() and abs(found) < 1e15 else found
    if form in _TYPES:
        return {"href": address(form, str(value)), "sourcedId": str(value), "type": _TYPES[form]}
    return str(value)


def _moment(value: Any) -> str | None:
    """Any dateTime or date as UTC; one without a zone is taken for UTC."""
    try:
        found = datetime.fromisoformat(str(text(value) or ""))
    except ValueError:
        return None
    return moment(found.replace(tzinfo=UTC) if found.tzinfo is None else found)


def _day(value: Any) -> str | None:
    return (text(value) or "")[:10] or None


def _flag(value: Any) -> bool | None:
    found = str(value).lower()
    return found == "true" if found in {"true", "false"} else None


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {MOMENT: _moment, DAY: _day, NUMBER: number, FLAG: _flag}
