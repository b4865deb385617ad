"""Parents and advisors of students (REST API: Users, associations import)."""

from __future__ import annotations

from rollbook.practice.lms.store import Row
from rollbook.practice.lms.wire import (
    Call,
    Handler,
    Json,
    Refused,
    Reply,
    Routes,
    bulk,
    bulk_items,
    is_on,
    text_of,
)  # fmt: skip


def set_links(call: Call, user_id: int, others: list[int], kind: str, *, of_child: bool) -> None:
    """Replace the links of one account; `of_child` says on which side of the links it is."""
    store = call.lms.store
    for other in others:
        if store.one("SELECT 1 FROM users WHERE id = ? AND inactive_at IS NULL", other) is None:
            raise Refused(400, f"User {other} does not exist")
    store.run(f"DELETE FROM links WHERE {'child' if of_child else 'adult'} = ? AND kind = ?", user_id, kind)
    pairs = [(user_id, other, kind) if of_child else (other, user_id, kind) for other in others]
    store.many("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", pairs)


def _importer(kind: str) -> Handler:
    code = f"{kind}_school_uid"

    def handle(call: Call) -> Reply:
        items = bulk_items(call.body, "associations", "association")
        if items is None:
            raise Refused(400, "associations.association is missing")
        return bulk(call, "association", items, one, echo=("student_school_uid", code))

    def one(call: Call, item: Json) -> Json:
        student, adult = _user(call, item, "student_school_uid"), _user(call, item, code)
        if student["id"] == adult["id"]:
            raise Refused(400, f"student_school_uid and {code} are the same")
        pair = (student["id"], adult["id"], kind)
        if is_on(item.get("delete")):
            call.lms.store.run("DELETE FROM links WHERE child = ? AND adult = ? AND kind = ?", *pair)
        else:
            call.lms.store.run("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", *pair)
        return {
            "student_school_uid": student["school_uid"], "student_uid": student["id"],
            code: adult["school_uid"], f"{kind}_uid": adult["id"],
        }  # fmt: skip

    return handle


def _user(call: Call, item: Json, name: str) -> Row:
    code = text_of(item.get(name))
    if not code:
        raise Refused(400, f"{name} is required")
    row = call.lms.store.one("SELECT id, school_uid FROM users WHERE school_uid = ? AND inactive_at IS NULL", code)
    if row is None:
        raise Refused(404, f"{name} {code} does not exist")
    return row


ROUTES: Routes = {
    ("POST", "users/import/associations/parents"): _importer("parent"),
    ("POST", "users/import/associations/advisors"): _importer("advisor"),
}
