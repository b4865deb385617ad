"""Enrollments in sections (REST API: Enrollments), also by school codes; groups are not emulated."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.practice.lms import sections
from rollbook.practice.lms.store import Row, marks
from rollbook.practice.lms.wire import (
    ARCHIVED,
    Call,
    Json,
    Refused,
    Reply,
    Routes,
    an_object,
    as_id,
    as_ids,
    blank,
    bulk,
    bulk_items,
    is_on,
    page,
    text_of,
)  # fmt: skip

_SELECT = (
    "SELECT e.*, u.school_uid, u.name_first, u.name_last, u.fields FROM enrollments e JOIN users u ON u.id = e.user_id "
)
_CODES = ("section_school_code", "course_code", "section_code", "school_uid", "delete")


def render(call: Call, row: Row) -> Json:
    fields = msgspec.json.decode(row["fields"])
    return {
        "id": row["id"], "uid": str(row["user_id"]), "school_uid": row["school_uid"] or "",
        "name_title": fields.get("name_title", ""), "name_title_show": "0", "name_first": row["name_first"],
        "name_first_preferred": fields.get("name_first_preferred", ""), "use_preferred_first_name": "1",
        "name_middle": fields.get("name_middle", ""), "name_middle_show": "0", "name_last": row["name_last"],
        "name_display": f"{row['name_first']} {row['name_last']}", "admin": row["admin"],
        "status": str(row["status"]), "picture_url": "",
        "links": {"self": f"{call.base}/sections/{row['section_id']}/enrollments/{row['id']}"},
    }  # fmt: skip


def _find(call: Call, enrollment_id: int, section_id: int | None = None) -> Row:
    row = call.lms.store.one(_SELECT + "WHERE e.id = ?", enrollment_id)
    if row is None or section_id not in {None, row["section_id"]}:
        raise Refused(404, f"Enrollment {enrollment_id} does not exist")
    return row


def list_enrollments(call: Call) -> Reply:
    """`type` is member or admin; without `enrollment_status`, archived ones are left out."""
    section_id = sections.find(call, call.ids[0])["id"]
    where, values = ["e.section_id = ?", "u.inactive_at IS NULL"], [section_id]
    for column, wanted in (
        ("e.user_id", call.id_list("uid")),
        ("e.status", call.id_list("enrollment_status")),
    ):
        if wanted:
            where.append(f"{column} IN ({marks(wanted)})")
            values += wanted
    if "enrollment_status" not in call.query:
        where.append(f"e.status != {ARCHIVED}")
    kinds = {int(word == "admin") for word in call.words("type")}
    if len(kinds) == 1:
        where.append("e.admin = ?")
        values += kinds
    rule = " AND ".join(where)

    def fetch(limit: int, start: int) -> list[Json]:
        sql = f"{_SELECT} WHERE {rule} ORDER BY e.id LIMIT ? OFFSET ?"
        return [render(call, row) for row in call.lms.store.all(sql, *values, limit, start)]

    sql = f"SELECT COUNT(*) FROM enrollments e JOIN users u ON u.id = e.user_id WHERE {rule}"
    return page(call, "enrollment", call.lms.store.number(sql, *values), fetch)


def get_enrollment(call: Call) -> Reply:
    return Reply(data=render(call, _find(call, call.ids[1], call.ids[0])))


def put(call: Call, section_id: int, user_id: int, item: Json) -> int:
    """Enroll, or change the enrollment there is (also an archived one). Raises Refused."""
    status = int(as_id(item["status"], "status")) if not blank(item.get("status")) else 1
    if status not in range(1, 6):
        raise Refused(400, "status is not valid")
    store = call.lms.store
    row = store.one("SELECT * FROM enrollments WHERE section_id = ? AND user_id = ?", section_id, user_id)
    if row is None:
        admin = int(is_on(item.get("admin")))
        return store.insert("enrollments", section_id=section_id, user_id=user_id, admin=admin, status=status)
    admin = int(is_on(item["admin"])) if "admin" in item else row["admin"]
    if (admin, status) != (row["admin"], row["status"]):
        store.update("enrollments", row["id"], admin=admin, status=status)
    return int(row["id"])


def _active_user(call: Call, value: Any) -> int:
    user_id = as_id(value, "uid")
    if call.lms.store.one("SELECT 1 FROM users WHERE id = ? AND inactive_at IS NULL", user_id) is None:
        raise Refused(404, f"User {user_id} does not exist")
    return user_id


def create(call: Call) -> Reply:
    section_id = sections.find(call, call.ids[0])["id"]
    items = bulk_items(call.body, "enrollments", "enrollment")
    if items is None:
        body = an_object(call.body)
        new = put(call, section_id, _active_user(call, body.get("uid")), body)
        return Reply(201, render(call, _find(call, new)))

    def do(call: Call, item: Json) -> Json:
        return _result(call, put(call, section_id, _active_user(call, item.get("uid")), item))

    return _wrapped(bulk(call, "enrollment", items, do, echo=("id", "uid")))


def _result(call: Call, enrollment_id: int) -> Json:
    row = _find(call, enrollment_id)
    location = f"{call.base}/sections/{row['section_id']}/enrollments/{row['id']}"
    return {"location": location, "id": row["id"], "uid": str(row["user_id"])}


def _wrapped(reply: Reply) -> Reply:
    reply.data = {"enrollments": reply.data}
    return reply


def create_anywhere(call: Call) -> Reply:
    items = bulk_items(call.body, "enrollments", "enrollment")

    def do(call: Call, item: Json) -> Json:
        if item.get("realm", "section") != "section":
            raise Refused(400, "realm is not valid")
        section_id = sections.find(call, as_id(item.get("section_id"), "section_id"))["id"]
        return _result(call, put(call, section_id, _active_user(call, item.get("uid")), item))

    items = [call.body] if items is None else items
    return _wrapped(bulk(call, "enrollment", items, do, echo=("section_id", "uid")))


def _change(call: Call, row: Row, item: Json) -> Json:
    return _result(call, put(call, row["section_id"], row["user_id"], {"status": row["status"], **item}))


def update_one(call: Call) -> Reply:
    _change(call, _find(call, call.ids[1], call.ids[0]), an_object(call.body))
    return Reply(204)


def update_many(call: Call) -> Reply:
    items = bulk_items(call.body, "enrollments", "enrollment")
    if items is None:
        raise Refused(400, "enrollments.enrollment is missing")

    def do(call: Call, item: Json) -> Json:
        return _change(call, _find(call, as_id(item.get("id"), "id"), call.ids[0]), item)

    return _wrapped(bulk(call, "enrollment", items, do, echo=("id",)))


def _remove(call: Call, enrollment_id: int) -> None:
    """An ended enrollment is archived: not listed, but its grades come back with it."""
    call.lms.store.update("enrollments", enrollment_id, status=ARCHIVED, admin=0)


def delete_one(call: Call) -> Reply:
    _remove(call, _find(call, call.ids[1], call.ids[0])["id"])
    return Reply(204)


def delete_many(call: Call) -> Reply:
    def do(call: Call, item: Json) -> Json:
        _remove(call, _find(call, item["id"])["id"])
        return {"id": item["id"]}

    items: list[Any] = [{"id": each} for each in call.id_list("enrollment_ids")]
    return _wrapped(bulk(call, "enrollment", items, do, echo=("id",)))


def import_by_code(call: Call) -> Reply:
    """Sections by `section_school_code`, or by course code, section code and the path's grading periods."""
    periods = as_ids(call.code, "grading period") if call.code else []
    items = bulk_items(call.body, "enrollments", "enrollment")

    def do(call: Call, item: Json) -> Json:
        return _import(call, item, _section(call, item, periods))

    items = [call.body] if items is None else items
    return _wrapped(bulk(call, "enrollment", items, do, echo=_CODES))


def _section(call: Call, item: Json, periods: list[int]) -> int:
    store, code = call.lms.store, text_of(item.get("section_school_code"))
    if periods:
        course, code = text_of(item.get("course_code")), text_of(item.get("section_code"))
        row = store.one(
            f"SELECT s.id FROM sections s JOIN courses c ON c.id = s.course_id WHERE c.course_code = ? AND "
            f"s.section_code = ? AND s.id IN (SELECT section_id FROM section_periods WHERE period_id IN "
            f"({marks(periods)}))",
            course, code, *periods,
        )  # fmt: skip
    elif not code:
        raise Refused(400, "section_school_code is required")
    else:
        row = store.one("SELECT id FROM sections WHERE section_school_code = ?", code)
    if row is None:
        raise Refused(404, f"Section {code} does not exist")
    return int(row["id"])


def _import(call: Call, item: Json, section_id: int) -> Json:
    code = text_of(item.get("school_uid"))
    if not code:
        raise Refused(400, "school_uid is required")
    user = call.lms.store.one("SELECT id FROM users WHERE school_uid = ? AND inactive_at IS NULL", code)
    if user is None:
        raise Refused(404, f"User {code} does not exist")
    if is_on(item.get("delete")):
        enrollment_id = _unenroll(call, section_id, user["id"], code)
    else:
        enrollment_id = put(call, section_id, user["id"], item)
    own = {name: item[name] for name in _CODES if name in item}
    return {"location": f"{call.base}/sections/{section_id}/enrollments/{enrollment_id}", **own}


def _unenroll(call: Call, section_id: int, user_id: int, code: str) -> int:
    row = call.lms.store.one(
        "SELECT id FROM enrollments WHERE section_id = ? AND user_id = ? AND status != ?",
        section_id, user_id, ARCHIVED,
    )  # fmt: skip
    if row is None:
        raise Refused(404, f"User {code} is not enrolled in this section")
    _remove(call, row["id"])
    return int(row["id"])


ROUTES: Routes = {
    ("GET", "sections/{id}/enrollments"): list_enrollments,
    ("POST", "sections/{id}/enrollments"): create,
    ("PUT", "sections/{id}/enrollments"): update_many,
    ("GET", "sections/{id}/enrollments/{id}"): get_enrollment,
    ("PUT", "sections/{id}/enrollments/{id}"): update_one,
    ("DELETE", "sections/{id}/enrollments/{id}"): delete_one,
    ("POST", "enrollments"): create_anywhere,
    ("DELETE", "enrollments"): delete_many,
    ("POST", "enrollments/import/course"): import_by_code,
    ("POST", "enrollments/import/course/{code}"): import_by_code,
}
