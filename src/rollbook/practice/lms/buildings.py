"""Schools, buildings and roles (REST API: Schools, Buildings, Roles); roles are read only."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.practice.lms.store import Row
from rollbook.practice.lms.wire import Call, Json, Refused, Reply, Routes, an_object, blank, page, text_of

_FIELDS = (
    "address1", "address2", "city", "state", "postal_code", "country", "website", "phone", "fax",
    "picture_url",
)  # fmt: skip


def render(row: Row) -> Json:
    return {
        "id": str(row["id"]), "title": row["title"], "building_code": row["building_code"],
        **dict.fromkeys(_FIELDS, ""), **msgspec.json.decode(row["fields"]),
    }  # fmt: skip


def known_building(call: Call, value: Any, name: str = "building_id") -> int:
    """A building's id; the organization counts as one, and blank means the organization. Raises Refused."""
    if blank(value):
        return call.lms.organization()
    row = call.lms.store.one("SELECT id FROM schools WHERE id = ?", text_of(value))
    if row is None:
        raise Refused(400, f"{name}: building {text_of(value)} does not exist")
    return int(row["id"])


def _row(call: Call) -> Row:
    row = call.lms.store.one("SELECT * FROM schools WHERE id = ?", call.ids[0])
    if row is None:
        raise Refused(404)
    return row


def list_schools(call: Call) -> Reply:
    rows = call.lms.store.all("SELECT * FROM schools WHERE parent IS NULL ORDER BY id")
    return page(call, "school", len(rows), lambda limit, start: [render(r) for r in rows[start : start + limit]])


def get_school(call: Call) -> Reply:
    return Reply(data=render(_row(call)))


def list_buildings(call: Call) -> Reply:
    _row(call)
    rows = call.lms.store.all("SELECT * FROM schools WHERE parent = ? ORDER BY id", call.ids[0])
    return Reply(data={"building": [render(row) for row in rows], "total": len(rows)})


def _columns(body: Json, before: Json) -> Json:
    title = text_of(body.get("title", before.get("title")))
    if not title:
        raise Refused(400, "title is required")
    kept = {name: before[name] for name in _FIELDS if before.get(name)}
    fields = {**kept, **{name: text_of(body[name]) for name in _FIELDS if name in body}}
    code = text_of(body.get("building_code", before.get("building_code")))
    return {"title": title, "building_code": code, "fields": msgspec.json.encode(fields).decode()}


def create_building(call: Call) -> Reply:
    parent = _row(call)
    if parent["parent"] is not None:
        raise Refused(400, "A building has no buildings")
    new = call.lms.store.insert("schools", parent=parent["id"], **_columns(an_object(call.body), {}))
    call.ids = [new]
    return Reply(201, render(_row(call)))


def update_school(call: Call) -> Reply:
    row = _row(call)
    call.lms.store.update("schools", row["id"], **_columns(an_object(call.body), render(row)))
    return Reply(204)


def delete_building(call: Call) -> Reply:
    """Refused while anything belongs to it (inferred)."""
    row = _row(call)
    used = call.lms.store.number(
        "SELECT (SELECT COUNT(*) FROM users WHERE building_id = ?1) + (SELECT COUNT(*) FROM courses "
        "WHERE building_id = ?1) + (SELECT COUNT(*) FROM user_buildings WHERE building_id = ?1)",
        row["id"],
    )
    if row["parent"] is None or used:
        raise Refused(403, "")
    call.lms.store.run("DELETE FROM schools WHERE id = ?", row["id"])
    return Reply(204)


def _role(row: Row) -> Json:
    return {
        "id": str(row["id"]),
        "title": row["title"],
        "faculty": row["faculty"],
        "role_type": row["role_type"],
    }


def list_roles(call: Call) -> Reply:
    rows = call.lms.store.all("SELECT * FROM roles ORDER BY id")
    return Reply(data={"role": [_role(row) for row in rows], "building_role": [], "total": len(rows)})


def get_role(call: Call) -> Reply:
    row = call.lms.store.one("SELECT * FROM roles WHERE id = ?", call.ids[0])
    if row is None:
        raise Refused(404)
    return Reply(data=_role(row))


ROUTES: Routes = {
    ("GET", "schools"): list_schools,
    ("GET", "schools/{id}"): get_school,
    ("PUT", "schools/{id}"): update_school,
    ("DELETE", "schools/{id}"): delete_building,
    ("GET", "schools/{id}/buildings"): list_buildings,
    ("POST", "schools/{id}/buildings"): create_building,
    ("GET", "roles"): list_roles,
    ("GET", "roles/{id}"): get_role,
}
