"""Accounts (REST API: Users): reading, creating and changing them."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec

from rollbook.practice.lms.store import Row, marks
from rollbook.practice.lms.user_rules import TEXTS, save
from rollbook.practice.lms.wire import (
    Call,
    Json,
    Refused,
    Reply,
    Routes,
    an_object,
    as_id,
    bulk,
    bulk_items,
    page,
    text_of,
)  # fmt: skip

_SELECT = (
    "SELECT u.*, (SELECT GROUP_CONCAT(building_id) FROM (SELECT building_id FROM user_buildings "
    "WHERE user_id = u.id ORDER BY position)) AS additional, "
    "(SELECT GROUP_CONCAT(child) FROM links WHERE adult = u.id AND kind = 'parent') AS children, "
    "(SELECT GROUP_CONCAT(adult) FROM links WHERE child = u.id AND kind = 'parent') AS parents FROM users u "
)
_ECHO = ("id", "school_uid")
_EXPORT = {
    "uid": "id", "school_uid": "school_uid", "building_nid": "building_id", "name_first": "name_first",
    "name_last": "name_last", "mail": "email", "name": "username", "role_name": "role_title",
}  # fmt: skip
_EXPORT_TEXTS = {*TEXTS, "birthday"}


def render(call: Call, row: Row) -> Json:
    fields = msgspec.json.decode(row["fields"])
    first = row["name_first"]
    if fields.get("use_preferred_first_name") == "1" and fields.get("name_first_preferred"):
        first = fields["name_first_preferred"]
    return {
        "uid": str(row["id"]), "id": row["id"], "synced": row["synced"],
        "school_id": str(call.lms.organization()),
        "school_uid": row["school_uid"] or "", "building_id": str(row["building_id"]),
        "additional_buildings": row["additional"] or "", **dict.fromkeys(TEXTS, ""), **fields,
        "name_first": row["name_first"], "name_last": row["name_last"],
        "name_display": f"{first} {row['name_last']}",
        "username": row["username"] or "", "primary_email": row["email"] or "", "password": "",
        "role_id": row["role_id"], "tz_offset": -5, "picture_url": "", "profile_url": "", "send_message": "0",
        "child_uids": row["children"] or "", "parent_uids": row["parents"] or "",
    }  # fmt: skip


def find(call: Call, user_id: int) -> Row:
    """An active account. Raises Refused with 404."""
    row = call.lms.store.one(_SELECT + "WHERE u.id = ? AND u.inactive_at IS NULL", user_id)
    if row is None:
        raise Refused(404)
    return row


def list_users(call: Call) -> Reply:
    where, values = ["u.inactive_at IS NULL"], list[Any]()
    if call.query.get("building_id"):
        where.append("(u.building_id = ? OR u.id IN (SELECT user_id FROM user_buildings WHERE building_id = ?))")
        values += [as_id(call.query["building_id"], "building_id")] * 2
    roles = call.id_list("role_ids")
    if roles:
        known = {row["id"] for row in call.lms.store.all("SELECT id FROM roles")}
        missing = ", ".join(str(role) for role in roles if role not in known)
        if missing:
            raise Refused(400, f"The following role ids do not exist: {missing}")
        where.append(f"u.role_id IN ({marks(roles)})")
        values += roles
    if "school_uids" in call.query:
        codes = call.words("school_uids")
        where.append(f"u.school_uid IN ({marks(codes)})")
        values += codes
    rule = " AND ".join(where)

    def fetch(limit: int, start: int) -> list[Json]:
        sql = f"{_SELECT} WHERE {rule} ORDER BY u.id LIMIT ? OFFSET ?"
        return [render(call, row) for row in call.lms.store.all(sql, *values, limit, start)]

    return page(call, "user", call.lms.store.number(f"SELECT COUNT(*) FROM users u WHERE {rule}", *values), fetch)


def get_user(call: Call) -> Reply:
    return Reply(data=render(call, find(call, call.ids[0])))


def _see_other(call: Call, user_id: int) -> Reply:
    return Reply(303, headers={"location": f"{call.base}/users/{user_id}"})


def get_me(call: Call) -> Reply:
    return _see_other(call, call.actor)


def get_by_code(call: Call) -> Reply:
    row = call.lms.store.one("SELECT id FROM users WHERE school_uid = ? AND inactive_at IS NULL", call.code)
    if row is None:
        raise Refused(404)
    return _see_other(call, row["id"])


def create(call: Call) -> Reply:
    items = bulk_items(call.body, "users", "user")
    if items is None:
        return Reply(201, render(call, find(call, save(call, an_object(call.body), None))))
    return bulk(call, "user", items, _upsert, echo=_ECHO)


def _upsert(call: Call, item: Json) -> Json:
    before = None
    if call.flag("update_existing"):
        before = call.lms.store.one("SELECT * FROM users WHERE school_uid = ?", text_of(item.get("school_uid")))
        if before is not None and before["inactive_at"] is not None:
            if not call.lms.settings.revive_on_update:
                raise Refused(400, f"User {before['school_uid']} is inactive")
            call.lms.store.update("users", before["id"], inactive_at=None)
    return _result(call, save(call, item, before), text_of(item.get("school_uid")))


def _result(call: Call, user_id: int, school_uid: str) -> Json:
    return {"location": f"{call.base}/users/{user_id}", "school_uid": school_uid, "id": user_id}


def update_one(call: Call) -> Reply:
    save(call, an_object(call.body), find(call, call.ids[0]))
    return Reply(204)


def update_many(call: Call) -> Reply:
    items = bulk_items(call.body, "users", "user")
    if items is None:
        raise Refused(400, "users.user is missing")
    return bulk(call, "user", items, _update_item, echo=_ECHO)


def _update_item(call: Call, item: Json) -> Json:
    before = find(call, as_id(item.get("id"), "id"))
    return _result(call, save(call, item, before), text_of(item.get("school_uid", before["school_uid"])))


def export_csv(call: Call) -> Reply:
    fields = [name.strip() for name in call.query.get("fields", "").split(",") if name.strip()]
    for name in fields:
        if name not in _EXPORT and name not in _EXPORT_TEXTS:
            raise Refused(400, f"{name} is not a valid field")
    rows = call.lms.store.all(
        "SELECT u.*, r.title AS role_title FROM users u JOIN roles r ON r.id = u.role_id "
        "WHERE u.inactive_at IS NULL ORDER BY u.id"
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(fields)
    for row in rows:
        texts = msgspec.json.decode(row["fields"])
        texts["birthday"] = texts.get("birthday_date", "")
        writer.writerow([row[_EXPORT[n]] or "" if n in _EXPORT else texts.get(n, "") for n in fields])
    return Reply(text=out.getvalue(), kind="text/csv; charset=utf-8")


def languages(call: Call) -> Reply:
    found = [("en", "English"), ("es", "Español"), ("fr", "Français")]
    return Reply(data={"language": [{"language_code": code, "language": name} for code, name in found]})


def session(call: Call) -> Reply:
    return Reply(data={"web_session_timestamp": call.lms.now(), "api_uid": call.actor})


ROUTES: Routes = {
    ("GET", "users"): list_users,
    ("POST", "users"): create,
    ("PUT", "users"): update_many,
    ("GET", "users/{id}"): get_user,
    ("PUT", "users/{id}"): update_one,
    ("GET", "users/me"): get_me,
    ("GET", "users/ext/{code}"): get_by_code,
    ("GET", "users/languages"): languages,
    ("GET", "csvexport/users"): export_csv,
    ("GET", "app-user-info"): session,
}
