"""Deleting and reviving accounts (REST API: Users): the deleted are inactive, their history may be gone.

`enrollments.kept` is the status that an enrollment had when its account was deleted, and has again when it is revived.
"""

from __future__ import annotations

from typing import Any

from rollbook.practice.lms.store import Row
from rollbook.practice.lms.users import find
from rollbook.practice.lms.wire import (
    ARCHIVED,
    Call,
    Json,
    Refused,
    Reply,
    Routes,
    as_id,
    bulk,
    bulk_items,
    is_on,
    page,
)


def _delete(call: Call, user_id: int) -> None:
    """Without option_keep_enrollments=1 grades and enrollments are destroyed for good."""
    row = find(call, user_id)
    if row["id"] == call.actor:
        raise Refused(403, "You cannot delete yourself")
    store = call.lms.store
    keep = call.flag("option_keep_enrollments")
    if keep:
        sql = "UPDATE enrollments SET kept = status, status = ? WHERE user_id = ? AND status != ?"
        store.run(sql, ARCHIVED, user_id, ARCHIVED)
    else:
        store.run(
            "DELETE FROM grades WHERE enrollment_id IN (SELECT id FROM enrollments WHERE user_id = ?)",
            user_id,
        )
        store.run("DELETE FROM enrollments WHERE user_id = ?", user_id)
    store.update(
        "users", user_id, inactive_at=call.lms.now(), inactive_by=call.actor,
        inactive_comment=call.query.get("option_comment"),
        history_lost=int(row["history_lost"] or not keep),
    )  # fmt: skip
    if call.query.get("email_notification", "1") != "0":
        call.lms.mail("deleted", user_id)


def delete_one(call: Call) -> Reply:
    _delete(call, call.ids[0])
    return Reply(204)


def delete_many(call: Call) -> Reply:
    def do(call: Call, item: Json) -> Json:
        _delete(call, item["id"])
        return {"id": item["id"]}

    items: list[Any] = [{"id": each} for each in call.id_list("uids")]
    return bulk(call, "user", items, do, echo=("id",))


def _render(row: Row) -> Json:
    return {
        "uid": str(row["id"]), "name": f"{row['name_first']} {row['name_last']}",
        "school_uid": row["school_uid"] or "", "synced": str(row["synced"]),
        "inactive_timestamp": str(row["inactive_at"]), "modified_by_uid": str(row["inactive_by"] or ""),
    }  # fmt: skip


def list_inactive(call: Call) -> Reply:
    store = call.lms.store

    def fetch(limit: int, start: int) -> list[Json]:
        sql = "SELECT * FROM users WHERE inactive_at IS NOT NULL ORDER BY id LIMIT ? OFFSET ?"
        return [_render(row) for row in store.all(sql, limit, start)]

    return page(call, "user", store.number("SELECT COUNT(*) FROM users WHERE inactive_at IS NOT NULL"), fetch)


def _inactive(call: Call, user_id: int) -> Row:
    row = call.lms.store.one("SELECT * FROM users WHERE id = ? AND inactive_at IS NOT NULL", user_id)
    if row is None:
        raise Refused(404)
    return row


def get_inactive(call: Call) -> Reply:
    return Reply(data=_render(_inactive(call, call.ids[0])))


def reactivate(call: Call) -> Reply:
    items = bulk_items(call.body, "users", "user")
    if items is None:
        raise Refused(400, "user is missing")

    def do(call: Call, item: Json) -> Json:
        row = _inactive(call, as_id(item.get("uid"), "uid"))
        call.lms.store.update("users", row["id"], inactive_at=None, inactive_by=None)
        if is_on(item.get("option_reenroll")):
            sql = "UPDATE enrollments SET status = kept WHERE user_id = ? AND status = ? AND kept IS NOT NULL"
            call.lms.store.run(sql, row["id"], ARCHIVED)
        call.lms.store.run("UPDATE enrollments SET kept = NULL WHERE user_id = ?", row["id"])
        return {"uid": str(row["id"]), "message": "User reactivated"}

    return bulk(call, "user", items, do, echo=("uid",))


ROUTES: Routes = {
    ("DELETE", "users"): delete_many,
    ("DELETE", "users/{id}"): delete_one,
    ("GET", "users/inactive"): list_inactive,
    ("GET", "users/inactive/{id}"): get_inactive,
    ("PUT", "users/reactivate"): reactivate,
}
