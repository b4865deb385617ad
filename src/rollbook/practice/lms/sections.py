"""Sections (REST API: Course Sections): codes, grading periods, and which of them are past."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.practice.lms.periods import known_periods
from rollbook.practice.lms.store import Row, marks
from rollbook.practice.lms.wire import (
    Call,
    Json,
    Refused,
    Reply,
    Routes,
    an_object,
    as_id,
    blank,
    bulk,
    bulk_items,
    is_on,
    page,
    text_of,
)  # fmt: skip

_TEXTS = ("description", "location", "start_time", "end_time")
_LISTS = ("meeting_days", "class_periods")
_OPTIONS = {
    "course_format": 1, "weighted_grading_categories": "0", "upload_document": "0", "create_discussion": "0",
    "member_post": "1", "member_post_comment": "1",
    "content_index_visibility": {"topics": 0, "assignments": 0},
}  # fmt: skip
_SELECT = (
    "SELECT s.*, c.title AS course_title, c.course_code, c.building_id, (SELECT GROUP_CONCAT(period_id) FROM "
    "(SELECT period_id FROM section_periods WHERE section_id = s.id ORDER BY position)) AS period_ids "
    "FROM sections s JOIN courses c ON c.id = s.course_id "
)
ECHO = ("id", "section_school_code", "section_code")


def render(call: Call, row: Row) -> Json:
    fields = msgspec.json.decode(row["fields"])
    return {
        "id": str(row["id"]), "course_title": row["course_title"], "course_code": row["course_code"],
        "course_id": str(row["course_id"]), "school_id": str(call.lms.organization()),
        "building_id": str(row["building_id"]), "access_code": "", "section_title": row["title"],
        "section_code": row["section_code"], "section_school_code": row["section_school_code"] or "",
        "synced": str(row["synced"]), "active": int(row["last_day"] >= call.lms.today()),
        "description": "", "grading_periods": _ids(row), "profile_url": "", "location": "",
        "meeting_days": [""], "start_time": "", "end_time": "", "weight": "0", **fields,
        "options": {**_OPTIONS, **fields.get("options", {})}, "admin": 1,
        "links": {"self": f"{call.base}/sections/{row['id']}"},
    }  # fmt: skip


def _ids(row: Row) -> list[int]:
    return [int(part) for part in (row["period_ids"] or "").split(",") if part]


def find(call: Call, section_id: int) -> Row:
    """Raises Refused with 404."""
    row = call.lms.store.one(_SELECT + "WHERE s.id = ?", section_id)
    if row is None:
        raise Refused(404)
    return row


def _visible(call: Call) -> tuple[str, list[Any]]:
    return ("", []) if call.flag("include_past") else ("AND s.last_day >= ?", [call.lms.today()])


def listing(call: Call, where: str, values: list[Any]) -> Reply:
    """A page of sections; those whose periods are over only with include_past=1."""
    rule, more = _visible(call)
    store = call.lms.store
    total = store.number(f"SELECT COUNT(*) FROM sections s WHERE {where} {rule}", *values, *more)

    def fetch(limit: int, start: int) -> list[Json]:
        sql = f"{_SELECT} WHERE {where} {rule} ORDER BY s.id LIMIT ? OFFSET ?"
        return [render(call, row) for row in store.all(sql, *values, *more, limit, start)]

    return page(call, "section", total, fetch)


def list_of_course(call: Call) -> Reply:
    if call.lms.store.one("SELECT 1 FROM courses WHERE id = ?", call.ids[0]) is None:
        raise Refused(404)
    return listing(call, "s.course_id = ?", [call.ids[0]])


def list_by_code(call: Call) -> Reply:
    codes = call.words("section_school_codes")
    if not codes:
        raise Refused(403)
    return listing(call, f"s.section_school_code IN ({marks(codes)})", codes)


def list_of_user(call: Call) -> Reply:
    where = "s.id IN (SELECT section_id FROM enrollments WHERE user_id = ? AND status = 1)"
    return listing(call, where, [call.ids[0]])


def get_section(call: Call) -> Reply:
    return Reply(data=render(call, find(call, call.ids[0])))


def get_by_code(call: Call) -> Reply:
    row = call.lms.store.one(_SELECT + "WHERE s.section_school_code = ?", call.code)
    if row is None:
        raise Refused(404)
    return Reply(data=render(call, row))


def periods_of(call: Call) -> Reply:
    rows = call.lms.store.all(
        "SELECT p.* FROM section_periods sp JOIN periods p ON p.id = sp.period_id WHERE sp.section_id = ? "
        "ORDER BY sp.position",
        find(call, call.ids[0])["id"],
    )
    found = [
        {"id": row["id"], "title": row["title"], "start": f"{row['start']} 00:00:00",
         "end": f"{row['end']} 00:00:00", "weight": "0.00"}
        for row in rows
    ]  # fmt: skip
    return Reply(data={"grading_period": found, "total": len(found)})


def _codes(body: Json, before: Row | None) -> tuple[str | None, str]:
    """School code and section code; with both, the school code wins and the other is dropped."""
    school = text_of(body.get("section_school_code", before["section_school_code"] if before else None))
    code = text_of(body.get("section_code", before["section_code"] if before else None))
    if not school and not code:
        raise Refused(400, "section_school_code or section_code is required")
    return (school, "") if school else (None, code)


def _check_codes(call: Call, codes: tuple[str | None, str], place: tuple[int, int], periods: list[int]) -> None:
    """`place` is course and own section (0 for a new one)."""
    course_id, own = place
    school, code = codes
    other = call.lms.store.one("SELECT id FROM sections WHERE section_school_code = ? AND id != ?", school, own)
    if other is not None:
        raise Refused(400, f"Section school code {school} is already in use")
    if school is None and _same_code(call, code, course_id, periods, own):
        raise Refused(400, f"Section code {code} is already in use in this course and grading period")


def _same_code(call: Call, code: str, course_id: int, periods: list[int], own: int = 0) -> Row | None:
    return call.lms.store.one(
        f"{_SELECT} WHERE s.course_id = ? AND s.section_code = ? AND s.section_school_code IS NULL "
        "AND s.id != ? AND EXISTS (SELECT 1 FROM section_periods "
        f"WHERE section_id = s.id AND period_id IN ({marks(periods)}))",
        course_id, code, own, *periods,
    )  # fmt: skip


def _save(call: Call, body: Json, course_id: int, before: Row | None) -> int:
    given = body.get("title", body.get("section_title", before["title"] if before else None))
    if not text_of(given):
        raise Refused(400, "title is required")
    old_periods = _ids(before) if before else []
    periods, last_day = known_periods(call, body.get("grading_periods", old_periods))
    codes = _codes(body, before)
    _check_codes(call, codes, (course_id, before["id"] if before else 0), periods)
    fields = msgspec.json.decode(before["fields"]) if before else {}
    fields.update({name: text_of(body[name]) for name in _TEXTS if name in body})
    fields.update({name: body[name] or [""] for name in _LISTS if isinstance(body.get(name), list)})
    if isinstance(body.get("options"), dict):
        fields["options"] = {**fields.get("options", {}), **body["options"]}
    columns = {
        "course_id": course_id, "title": text_of(given), "section_school_code": codes[0],
        "section_code": codes[1], "last_day": last_day,
        "synced": int(is_on(body.get("synced", before["synced"] if before else 0))),
        "fields": msgspec.json.encode(fields).decode(),
    }  # fmt: skip
    store = call.lms.store
    section_id = before["id"] if before else store.insert("sections", **columns)
    if before:
        store.update("sections", section_id, **columns)
    if periods != old_periods:
        _set_periods(call, section_id, periods)
    return int(section_id)


def _set_periods(call: Call, section_id: int, periods: list[int]) -> None:
    """Material of a period that the section loses moves to "no grading period"."""
    store = call.lms.store
    store.run("DELETE FROM section_periods WHERE section_id = ?", section_id)
    store.many(
        "INSERT INTO section_periods VALUES (?, ?, ?)",
        [(section_id, period, position) for position, period in enumerate(periods)],
    )
    store.run(
        f"UPDATE assignments SET period_id = 0 WHERE section_id = ? AND period_id NOT IN ({marks(periods)})",
        section_id, *periods,
    )  # fmt: skip


def upsert(call: Call, item: Json, course_id: int) -> Json:
    """One item of a bulk call for a course."""
    before = _existing(call, item, course_id) if call.flag("update_existing") else None
    if before is not None and before["course_id"] != course_id:
        raise Refused(400, f"Section school code {before['section_school_code']} is already in use")
    return result(call, find(call, _save(call, item, course_id, before)))


def _existing(call: Call, item: Json, course_id: int) -> Row | None:
    school = text_of(item.get("section_school_code"))
    if school:
        return call.lms.store.one(_SELECT + "WHERE s.section_school_code = ?", school)
    periods, _ = known_periods(call, item.get("grading_periods"))
    return _same_code(call, text_of(item.get("section_code")), course_id, periods)


def result(call: Call, row: Row) -> Json:
    return {
        "id": row["id"], "location": f"{call.base}/sections/{row['id']}", "section_code": row["section_code"],
        "section_school_code": row["section_school_code"] or "", "synced": row["synced"],
        "grading_periods": _ids(row),
    }  # fmt: skip


def create(call: Call) -> Reply:
    course_id = call.ids[0]
    if call.lms.store.one("SELECT 1 FROM courses WHERE id = ?", course_id) is None:
        raise Refused(404)
    items = bulk_items(call.body, "sections", "section")
    if items is None:
        return Reply(201, render(call, find(call, _save(call, an_object(call.body), course_id, None))))
    return bulk(call, "section", items, lambda call, item: upsert(call, item, course_id), echo=ECHO)


def update_one(call: Call) -> Reply:
    row = find(call, call.ids[0])
    _save(call, an_object(call.body), row["course_id"], row)
    return Reply(204)


def update_many(call: Call) -> Reply:
    items = bulk_items(call.body, "sections", "section")
    if items is None:
        raise Refused(400, "sections.section is missing")

    def do(call: Call, item: Json) -> Json:
        if blank(item.get("id")):
            raise Refused(400, "id is required")
        row = find(call, as_id(item["id"], "id"))
        return result(call, find(call, _save(call, item, row["course_id"], row)))

    return bulk(call, "section", items, do, echo=ECHO)


def erase(call: Call, section_id: int) -> None:
    """Remove a section and all that is in it."""
    store = call.lms.store
    find(call, section_id)
    store.run(
        "DELETE FROM grades WHERE assignment_id IN (SELECT id FROM assignments WHERE section_id = ?)",
        section_id,
    )
    for table in ("assignments", "categories", "enrollments", "section_periods"):
        store.run(f"DELETE FROM {table} WHERE section_id = ?", section_id)
    store.run("DELETE FROM sections WHERE id = ?", section_id)


def delete_one(call: Call) -> Reply:
    erase(call, call.ids[0])
    return Reply(204)


def delete_many(call: Call) -> Reply:
    def do(call: Call, item: Json) -> Json:
        erase(call, item["id"])
        return {"id": item["id"]}

    return bulk(call, "section", [{"id": each} for each in call.id_list("section_ids")], do, echo=("id",))


ROUTES: Routes = {
    ("GET", "courses/{id}/sections"): list_of_course,
    ("POST", "courses/{id}/sections"): create,
    ("GET", "sections"): list_by_code,
    ("PUT", "sections"): update_many,
    ("DELETE", "sections"): delete_many,
    ("GET", "sections/{id}"): get_section,
    ("PUT", "sections/{id}"): update_one,
    ("DELETE", "sections/{id}"): delete_one,
    ("GET", "sections/ext/{code}"): get_by_code,
    ("GET", "sections/{id}/grading_periods"): periods_of,
    ("GET", "users/{id}/sections"): list_of_user,
}
