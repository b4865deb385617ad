"""Grading categories and scales of a section (REST API: Grading Categories, Grading Scales)."""

from __future__ import annotations

import msgspec

from rollbook.practice.lms import sections
from rollbook.practice.lms.store import Row
from rollbook.practice.lms.wire import (
    Call,
    Json,
    Refused,
    Reply,
    Routes,
    an_object,
    as_id,
    as_number,
    blank,
    bulk,
    bulk_items,
    text_of,
)  # fmt: skip

_LETTERS = (("A", 90, 95), ("B", 80, 85), ("C", 70, 75), ("D", 60, 65), ("F", 0, 50))
SCALES: list[Json] = [
    {
        "id": 1, "title": "A-F", "type": 1, "auto_averaging": 0, "hide_numeric": 0,
        "scale": {"level": [
            {"grade": grade, "cutoff": cutoff, "average": average}
            for grade, cutoff, average in _LETTERS
        ]},
    },
    {
        "id": 2, "title": "Points", "type": 3, "auto_averaging": 0, "hide_numeric": 0,
        "scale": {"level": [{"points": n, "description": f"{n} points"} for n in (4, 3, 2, 1)]},
    },
]  # fmt: skip
_DEFAULTS = {
    "weight": 0, "calculation_type": 1, "default_max_points": 100, "drop_lowest": 0,
    "default_grading_scale_id": 0,
}  # fmt: skip


def _row(call: Call, category_id: int) -> Row:
    row = call.lms.store.one("SELECT * FROM categories WHERE id = ? AND section_id = ?", category_id, call.ids[0])
    if row is None:
        raise Refused(404)
    return row


def _render(row: Row) -> Json:
    return {
        "id": row["id"], "title": row["title"], "delta": 0, **_DEFAULTS, **msgspec.json.decode(row["fields"]),
        "realm": "course", "realm_id": row["section_id"],
    }  # fmt: skip


def list_categories(call: Call) -> Reply:
    section_id = sections.find(call, call.ids[0])["id"]
    rows = call.lms.store.all("SELECT * FROM categories WHERE section_id = ? ORDER BY id", section_id)
    return Reply(data={"grading_category": [_render(row) for row in rows], "total": len(rows)})


def get_category(call: Call) -> Reply:
    return Reply(data=_render(_row(call, call.ids[1])))


def _save(call: Call, body: Json, before: Row | None) -> int:
    title = text_of(body.get("title", before["title"] if before else None))
    if not title:
        raise Refused(400, "title is required")
    fields = msgspec.json.decode(before["fields"]) if before else {}
    scale = body.get("default_grading_scale_id", body.get("default_grading_scale"))
    for name in (*_DEFAULTS, "delta"):
        if not blank(body.get(name)):
            fields[name] = int(as_number(body[name], name))
    if not blank(scale):
        fields["default_grading_scale_id"] = known_scale(scale)
    if not 0 <= fields.get("drop_lowest", 0) <= 10:
        raise Refused(400, "drop_lowest is not valid")
    columns = {"title": title, "fields": msgspec.json.encode(fields).decode()}
    if before is None:
        return call.lms.store.insert("categories", section_id=call.ids[0], **columns)
    call.lms.store.update("categories", before["id"], **columns)
    return int(before["id"])


def known_scale(value: object) -> int:
    """0 is numeric. Raises Refused with 400 for a scale the section does not have."""
    scale = as_id(value, "grading_scale")
    if scale not in {0, *(each["id"] for each in SCALES)}:
        raise Refused(400, "The grading scale is not valid for that course section")
    return scale


def create(call: Call) -> Reply:
    sections.find(call, call.ids[0])
    items = bulk_items(call.body, "grading_categories", "grading_category")
    if items is None:
        raise Refused(400, "grading_categories.grading_category is missing")
    return bulk(call, "grading_category", items, lambda c, i: {"id": _save(c, i, None)}, echo=("title",))


def update_one(call: Call) -> Reply:
    _save(call, an_object(call.body), _row(call, call.ids[1]))
    return Reply(data=_render(_row(call, call.ids[1])))


def update_many(call: Call) -> Reply:
    items = bulk_items(call.body, "grading_categories", "grading_category")
    if items is None:
        raise Refused(400, "grading_categories.grading_category is missing")

    def do(call: Call, item: Json) -> Json:
        return {"id": _save(call, item, _row(call, as_id(item.get("id"), "id"))), "response_code": 204}

    return bulk(call, "grading_category", items, do, echo=("id",))


def delete_one(call: Call) -> Reply:
    """Its assignments become ungraded."""
    row = _row(call, call.ids[1])
    call.lms.store.run("UPDATE assignments SET category_id = 0 WHERE category_id = ?", row["id"])
    call.lms.store.run("DELETE FROM categories WHERE id = ?", row["id"])
    return Reply(204)


def list_scales(call: Call) -> Reply:
    sections.find(call, call.ids[0])
    return Reply(data={"grading_scale": SCALES, "total": len(SCALES)})


ROUTES: Routes = {
    ("GET", "sections/{id}/grading_categories"): list_categories,
    ("POST", "sections/{id}/grading_categories"): create,
    ("PUT", "sections/{id}/grading_categories"): update_many,
    ("GET", "sections/{id}/grading_categories/{id}"): get_category,
    ("PUT", "sections/{id}/grading_categories/{id}"): update_one,
    ("DELETE", "sections/{id}/grading_categories/{id}"): delete_one,
    ("GET", "sections/{id}/grading_scales"): list_scales,
}
