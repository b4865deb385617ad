"""What the memory LMS and the memory SIS do with their gradebooks, as real ones would on their own servers. Not part of
a connector. The LMS's gradebooks are what a test put there; classes and students of the SIS are its roster rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rollbook.connectors.memory.books import Record, SisBook
from rollbook.connectors.memory.server import Answer
from rollbook.connectors.memory.space import LOSE_AFTER, AnswerLost, Space, Stored
from rollbook.roster.grades import ClassFacts, Gradebook, Member, Session, SisCategory


@dataclass(frozen=True, kw_only=True)
class Put:
    """One object to store (or to take away) under a sourcedId; `fields` are None for a removal."""

    sourced_id: str
    fields: Record | None = field(default=None, repr=False)


# --- the LMS ----------------------------------------------------------------------------------------------------------


def gradebook(space: Space, code: str, lms_id: str | None) -> Gradebook | None:
    """The gradebook of the section with this code, None where there is no such section. One that names no members has
    those who are enrolled in the section."""
    section = space.by_id("section", lms_id)
    if section is None or section.code != code:
        section = space.find("section", code)
    book = space.gradebooks.get(code)
    if section is None or (book is not None and book.members):
        return book
    members = tuple(_members(space, section))
    return msgspec.structs.replace(book or Gradebook(section=section.lms_id), members=members)


def _members(space: Space, section: Stored) -> Iterator[Member]:
    for each in space.all("enrollment"):
        user = space.by_id("user", each.fields["user"]) if each.fields["section"] == section.lms_id else None
        if user is not None:
            admin = bool(each.fields.get("admin"))
            yield Member(id=each.lms_id, user=user.lms_id, unique_id=user.code, admin=admin, active=user.active)


# --- the SIS ----------------------------------------------------------------------------------------------------------


def categories(space: Space, class_id: str) -> list[SisCategory]:
    """Those of the class, and those of all classes."""
    return [each for each in space.sis_book.categories if each.class_id in (None, class_id)]


def class_facts(space: Space, class_id: str) -> ClassFacts | None:
    """From the rows that rosters are read from, too."""
    found = next((row for row in _rows(space, "classes") if row.get("sourcedId") == class_id), None)
    if found is None:
        return None
    terms = _listed(found.get("termSourcedIds"))
    sessions = [row for row in _rows(space, "academicSessions") if row["sourcedId"] in terms]
    sessions += [row for row in _rows(space, "academicSessions") if row.get("parentSourcedId") in terms]
    students = {
        row["userSourcedId"]
        for row in _rows(space, "enrollments")
        if row.get("classSourcedId") == class_id and row.get("role") == "student"
    }
    made = tuple(_session(row) for row in sessions)
    return ClassFacts(id=class_id, school=found.get("schoolSourcedId"), sessions=made, students=frozenset(students))


def store(space: Space, key: str, kind: str, items: Sequence[Put]) -> list[Answer]:
    """Carry out a call, one answer per item. Raises what `Space.arrive` raises; AnswerLost may also mean that
    everything was carried out."""
    with space.lock:
        fault = space.arrive(key)
        answers = [_one(space, kind, item) for item in items]
    if fault == LOSE_AFTER:
        raise AnswerLost
    return answers


def _one(space: Space, kind: str, item: Put) -> Answer:
    there = space.sis_book.records[kind]
    if item.fields is None:
        return Answer(204 if there.pop(item.sourced_id, None) is not None else 404, item.sourced_id, "unknown object")
    refusal = space.faults.refuse.get(item.sourced_id) or _refusal(space, kind, item.sourced_id, item.fields)
    if refusal:
        return Answer(422, words=refusal)
    own = item.sourced_id
    if space.sis_book.makes_ids and kind == "line_item" and own not in there:
        space.sis_book.made += 1
        own = f"sis-{space.sis_book.made}"
    status = 200 if own in there else 201
    there[own] = dict(item.fields)
    if kind == "category":
        kept = [each for each in space.sis_book.categories if each.id != own]
        space.sis_book.categories = [*kept, SisCategory(id=own, title=item.fields["title"])]
    return Answer(status, own)


def _refusal(space: Space, kind: str, own: str, fields: Record) -> str:
    """What this SIS has against an object, "" for nothing."""
    if kind == "category":
        return ""
    facts = class_facts(space, fields.get("class") or "")
    if facts is None:
        return "the class is not known"
    if kind == "line_item":
        return _item_refusal(space, own, fields)
    item = space.sis_book.records["line_item"].get(fields.get("line_item") or "")
    if item is None:
        return "the line item is not known"
    if facts.students is not None and fields.get("student") not in facts.students:
        return "the student is not enrolled in the class"
    score, most = fields.get("score"), item.get("maximum")
    if not space.sis_book.limits.above_maximum and score is not None and most is not None and score > most:
        return "the score is above the maximum"
    return ""


def _item_refusal(space: Space, own: str, fields: Record) -> str:
    limits, title = space.sis_book.limits, fields.get("title") or ""
    if fields.get("category") not in {each.id for each in categories(space, fields["class"])}:
        return "the category is not known"
    if limits.title is not None and len(title) > limits.title:
        return f"the title is longer than {limits.title} letters"
    others = (each for other, each in space.sis_book.records["line_item"].items() if other != own)
    if limits.unique_titles and any((each["class"], each["title"]) == (fields["class"], title) for each in others):
        return "there is a line item of this title in the class"
    return ""


def shown(book: SisBook, kind: str, class_id: str) -> list[tuple[str, Record]]:
    """The objects of a class as (sourcedId, fields) pairs."""
    return [(own, each) for own, each in book.records[kind].items() if each.get("class") == class_id]


def _rows(space: Space, collection: str) -> Iterator[Mapping[str, Any]]:
    for row in space.rows.get(collection, ()):
        if isinstance(row, Mapping) and str(row.get("status") or "active").lower() == "active":
            yield row


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else str(value or "").split(",")


def _session(row: Mapping[str, Any]) -> Session:
    return Session(
        id=row["sourcedId"], title=row.get("title") or "", type=row.get("type") or "", start=row.get("startDate") or "",
        end=row.get("endDate") or "", parent=row.get("parentSourcedId") or None,
    )  # fmt: skip
