"""Courses (REST API: Courses): the code is unique in the organization; sections may come nested in bulk."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.practice.lms import sections
from rollbook.practice.lms.buildings import known_building
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
    is_on,
    one_result,
    page,
    text_of,
)  # fmt: skip

_TEXTS = ("department", "description", "district_course_name")
_RANGES = {"grade_level_range_start": 15, "grade_level_range_end": 15, "subject_area": 9}
_ECHO = ("id", "course_code")


def render(row: Row) -> Json:
    fields = msgspec.json.decode(row["fields"])
    return {
        "id": row["id"], "building_id": str(row["building_id"]), "title": row["title"],
        "course_code": row["course_code"], "department": "", "description": "", "credits": "0",
        "synced": row["synced"], "grade_level_range_start": 0, "grade_level_range_end": 0,
        "subject_area": "0",
        **{name: value for name, value in fields.items() if name != "district_course_name"},
    }  # fmt: skip


def _row(call: Call, course_id: int) -> Row:
    row = call.lms.store.one("SELECT * FROM courses WHERE id = ?", course_id)
    if row is None:
        raise Refused(404)
    return row


def list_courses(call: Call) -> Reply:
    store = call.lms.store
    where, values = "", []
    if call.query.get("building_id"):
        where, values = "WHERE building_id = ?", [as_id(call.query["building_id"], "building_id")]
    name = call.flag("fetch_district_course_name")

    def fetch(limit: int, start: int) -> list[Json]:
        rows = store.all(f"SELECT * FROM courses {where} ORDER BY id LIMIT ? OFFSET ?", *values, limit, start)
        return [{**render(row), **(_district_name(row) if name else {})} for row in rows]

    return page(call, "course", store.number(f"SELECT COUNT(*) FROM courses {where}", *values), fetch)


def _district_name(row: Row) -> Json:
    return {"district_course_name": msgspec.json.decode(row["fields"]).get("district_course_name", "")}


def get_course(call: Call) -> Reply:
    row = _row(call, call.ids[0])
    return Reply(data={**render(row), **_district_name(row)})


def _columns(call: Call, body: Json, before: Row | None) -> Json:
    title = text_of(body.get("title", before["title"] if before else None))
    code = text_of(body.get("course_code", before["course_code"] if before else None))
    if not title or not code:
        raise Refused(400, f"{'course_code' if title else 'title'} is required")
    other = call.lms.store.one("SELECT id FROM courses WHERE course_code = ?", code)
    if other is not None and (before is None or other["id"] != before["id"]):
        raise Refused(400, f"Course code {code} is already in use")
    building = known_building(call, body.get("building_id", before["building_id"] if before else None))
    fields = msgspec.json.decode(before["fields"]) if before else {}
    fields.update({name: text_of(body[name]) for name in _TEXTS if name in body})
    fields.update(_numbers(body))
    _check_levels(fields)
    return {
        "title": title, "course_code": code, "building_id": building,
        "synced": int(is_on(body.get("synced", before["synced"] if before else 0))),
        "fields": msgspec.json.encode(fields).decode(),
    }  # fmt: skip


def _numbers(body: Json) -> Json:
    found: Json = {}
    for name, most in _RANGES.items():
        if not blank(body.get(name)):
            value = as_id(body[name], name)
            if value > most:
                raise Refused(400, f"{name} is not valid")
            found[name] = str(value) if name == "subject_area" else value
    if not blank(body.get("credits")):
        found["credits"] = f"{as_number(body['credits'], 'credits'):g}"
    return found


def _check_levels(fields: Json) -> None:
    end = fields.get("grade_level_range_end", 0)
    if end and end <= fields.get("grade_level_range_start", 0):
        raise Refused(400, "grade_level_range_end must be greater than grade_level_range_start")


def _save(call: Call, body: Json, before: Row | None) -> int:
    columns = _columns(call, body, before)
    if before is None:
        return call.lms.store.insert("courses", **columns)
    call.lms.store.update("courses", before["id"], **columns)
    return int(before["id"])


def create(call: Call) -> Reply:
    items = bulk_items(call.body, "courses", "course")
    if items is None:
        row = _row(call, _save(call, an_object(call.body), None))
        return Reply(201, {**render(row), **_district_name(row)})
    return bulk(call, "course", items, _upsert, echo=_ECHO)


def _upsert(call: Call, item: Json) -> Json:
    before = None
    if call.flag("update_existing"):
        before = call.lms.store.one("SELECT * FROM courses WHERE course_code = ?", text_of(item.get("course_code")))
    course_id = _save(call, item, before)
    done: Json = {
        "id": course_id, "course_code": text_of(item.get("course_code")),
        "location": f"{call.base}/courses/{course_id}",
    }  # fmt: skip
    nested = _nested(item.get("sections"))
    if nested:
        results = [one_result(call, each, _in_course(course_id), echo=sections.ECHO) for each in nested]
        done["sections"] = {"section": results}
    return done


def _in_course(course_id: int) -> Any:
    return lambda call, item: sections.upsert(call, item, course_id)


def _nested(value: Any) -> list[Any]:
    inner = value.get("section") if isinstance(value, dict) else value
    if blank(inner):
        return []
    return inner if isinstance(inner, list) else [inner]


def update_one(call: Call) -> Reply:
    _save(call, an_object(call.body), _row(call, call.ids[0]))
    return Reply(204)


def update_many(call: Call) -> Reply:
    items = bulk_items(call.body, "courses", "course")
    if items is None:
        raise Refused(400, "courses.course is missing")
    return bulk(call, "course", items, _update_item, echo=_ECHO)


def _update_item(call: Call, item: Json) -> Json:
    before = _row(call, as_id(item.get("id"), "id"))
    _save(call, item, before)
    return {"id": before["id"], "course_code": text_of(item.get("course_code", before["course_code"]))}


def _delete(call: Call, course_id: int) -> None:
    _row(call, course_id)
    for row in call.lms.store.all("SELECT id FROM sections WHERE course_id = ?", course_id):
        sections.erase(call, row["id"])
    call.lms.store.run("DELETE FROM courses WHERE id = ?", course_id)


def delete_one(call: Call) -> Reply:
    _delete(call, call.ids[0])
    return Reply(204)


def delete_many(call: Call) -> Reply:
    items = [{"id": course_id} for course_id in call.id_list("course_ids")]

    def do(call: Call, item: Json) -> Json:
        _delete(call, item["id"])
        return {"id": item["id"]}

    return bulk(call, "course", list(items), do, echo=("id",))


ROUTES: Routes = {
    ("GET", "courses"): list_courses,
    ("POST", "courses"): create,
    ("PUT", "courses"): update_many,
    ("DELETE", "courses"): delete_many,
    ("GET", "courses/{id}"): get_course,
    ("PUT", "courses/{id}"): update_one,
    ("DELETE", "courses/{id}"): delete_one,
}
