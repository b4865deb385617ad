"""Assignments as graded items of a section (REST API: Assignments); discussions are not emulated."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from rollbook.practice.lms import sections
from rollbook.practice.lms.categories import known_scale
from rollbook.practice.lms.store import Row
from rollbook.practice.lms.wire import (
    Call,
    Json,
    Refused,
    Reply,
    Routes,
    an_object,
    as_id,
    as_ids,
    as_number,
    blank,
    is_on,
    page,
    text_of,
)  # fmt: skip

_FLAGS = {
    "is_final": 0, "published": 1, "count_in_grade": 1, "collected_only": 0, "auto_publish_grades": 1,
    "allow_dropbox": 1, "allow_discussion": 1, "show_comments": 0, "grade_stats": 0,
}  # fmt: skip
_ONLY_WHEN_CHANGED = ("count_in_grade", "collected_only")


def render(row: Row, *, short: bool = False) -> Json:
    """`short` as in lists, where the description is blank."""
    fields = msgspec.json.decode(row["fields"])
    data = {
        "id": row["id"], "title": row["title"], "due": row["due"],
        "description": fields.get("description", ""),
        "grading_scale": str(fields.get("grading_scale", 0)), "grading_period": str(row["period_id"]),
        "grading_category": str(row["category_id"]), "max_points": _plain(fields.get("max_points", 100)),
        "factor": _plain(fields.get("factor", 1)), **{name: str(v) for name, v in _FLAGS.items()},
        **{name: str(fields[name]) for name in _FLAGS if name in fields},
        "grade_item_id": row["id"], "type": "assignment", "available": 1, "completed": 0,
        "completion_status": "", "dropbox_locked": 0, "grading_scale_type": 0, "show_rubric": False,
        "assignees": fields.get("assignees", []), "num_assignees": len(fields.get("assignees", [])),
        "grading_group_ids": fields.get("grading_group_ids", []),
    }  # fmt: skip
    for name in _ONLY_WHEN_CHANGED:
        if data[name] == str(_FLAGS[name]):
            del data[name]
    return {**data, "description": ""} if short else data


def _plain(number: float) -> str:
    return f"{number:g}"


def find(call: Call, section_id: int, assignment_id: int) -> Row:
    """Raises Refused with 404."""
    row = call.lms.store.one("SELECT * FROM assignments WHERE id = ? AND section_id = ?", assignment_id, section_id)
    if row is None:
        raise Refused(404, f"Assignment {assignment_id} does not exist")
    return row


def list_assignments(call: Call) -> Reply:
    """The limit applies to ordinary items first, then to final ones; each sorted by due."""
    section_id = sections.find(call, call.ids[0])["id"]
    rows = call.lms.store.all("SELECT * FROM assignments WHERE section_id = ? ORDER BY due, id", section_id)
    final = [row for row in rows if _is_final(row)]
    usual = [row for row in rows if not _is_final(row)]

    def fetch(limit: int, start: int) -> list[Json]:
        found = usual[start : start + limit] + final[start : start + limit]
        return [render(row, short=True) for row in found]

    most = max(len(usual), len(final))
    reply = page(call, "assignment", most, fetch)
    if reply.data["total"] != "0":  # a fault may have changed it
        reply.data["total"] = str(int(reply.data["total"]) - most + len(rows))
    return reply


def _is_final(row: Row) -> bool:
    return is_on(msgspec.json.decode(row["fields"]).get("is_final"))


def get_assignment(call: Call) -> Reply:
    return Reply(data=render(find(call, call.ids[0], call.ids[1])))


def _due(value: Any) -> str:
    text = text_of(value)
    if not text:
        return ""
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise Refused(400, "due is not a valid date") from None


def _part(call: Call, body: Json, names: tuple[str, str], sql: str) -> int | None:
    """A category or period of the section; None where the body says nothing, 0 for none."""
    given = next((body[name] for name in names if name in body), None)
    if given is None:
        return None
    value = 0 if blank(given) else as_id(given, names[0])
    if value and call.lms.store.one(sql, value, call.ids[0]) is None:
        raise Refused(400, f"The {names[0].replace('_', ' ')} is not valid for that course section")
    return value


def _save(call: Call, body: Json, before: Row | None) -> int:
    title = text_of(body.get("title", before["title"] if before else None))
    if not title:
        raise Refused(400, "title is required")
    fields = msgspec.json.decode(before["fields"]) if before else {}
    fields.update({name: int(is_on(body[name])) for name in _FLAGS if name in body})
    fields.update({name: as_ids(body[name], name) for name in ("assignees", "grading_group_ids") if name in body})
    fields.update({name: as_number(body[name], name) for name in ("max_points", "factor") if not blank(body.get(name))})
    if "description" in body:
        fields["description"] = text_of(body["description"])
    if not blank(body.get("grading_scale")):
        fields["grading_scale"] = known_scale(body["grading_scale"])
    category = _part(
        call, body, ("grading_category", "grading_category_id"),
        "SELECT 1 FROM categories WHERE id = ? AND section_id = ?",
    )  # fmt: skip
    period = _part(
        call, body, ("grading_period", "grading_period_id"),
        "SELECT 1 FROM section_periods WHERE period_id = ? AND section_id = ?",
    )  # fmt: skip
    columns: Json = {"title": title, "fields": msgspec.json.encode(fields).decode()}
    columns["due"] = _due(body.get("due", before["due"] if before else None))
    columns["category_id"] = category if category is not None else (before["category_id"] if before else 0)
    columns["period_id"] = period if period is not None else (before["period_id"] if before else 0)
    if before is None:
        return call.lms.store.insert("assignments", section_id=call.ids[0], **columns)
    call.lms.store.update("assignments", before["id"], **columns)
    return int(before["id"])


def create(call: Call) -> Reply:
    section_id = sections.find(call, call.ids[0])["id"]
    return Reply(201, render(find(call, section_id, _save(call, an_object(call.body), None))))


def update_one(call: Call) -> Reply:
    _save(call, an_object(call.body), find(call, call.ids[0], call.ids[1]))
    return Reply(204)


def delete_one(call: Call) -> Reply:
    row = find(call, call.ids[0], call.ids[1])
    call.lms.store.run("DELETE FROM grades WHERE assignment_id = ?", row["id"])
    call.lms.store.run("DELETE FROM assignments WHERE id = ?", row["id"])
    return Reply(204)


ROUTES: Routes = {
    ("GET", "sections/{id}/assignments"): list_assignments,
    ("POST", "sections/{id}/assignments"): create,
    ("GET", "sections/{id}/grade_items"): list_assignments,
    ("GET", "sections/{id}/assignments/{id}"): get_assignment,
    ("PUT", "sections/{id}/assignments/{id}"): update_one,
    ("DELETE", "sections/{id}/assignments/{id}"): delete_one,
}
