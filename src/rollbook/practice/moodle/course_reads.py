"""Courses are looked up (core_course_get_courses, core_course_get_courses_by_field)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.params import Group, Many, Value, given
from rollbook.practice.moodle.site import SITE_COURSE
from rollbook.practice.moodle.store import Row, marks
from rollbook.practice.moodle.thrown import bad_parameter

_FIELDS: Final = {
    "id": "int", "category": "int", "sectionid": "int", "ids": "sequence", "shortname": "text", "idnumber": "raw",
}  # fmt: skip
_OPTIONS: Final = ("showgrades", "newsitems", "maxbytes", "groupmode", "groupmodeforce", "defaultgroupingid")


def get_courses(call: Call, given: Json) -> list[Json]:
    """All, with the front page's course, or those with an id; one that may not be seen refuses the call."""
    ids = given["options"].get("ids") or []
    where = f"WHERE id IN ({marks(ids)})" if ids else ""
    rows = call.site.store.all(f"SELECT * FROM courses {where} ORDER BY id", *ids)
    if any(row["id"] != SITE_COURSE for row in rows):
        call.need("moodle/course:view")
    return call.page([_shown(call, row) for row in rows if row["visible"] or _sees_hidden(call)])


def _sees_hidden(call: Call) -> bool:
    return call.site.may("moodle/course:update") or call.site.may("moodle/course:viewhiddencourses")


def _shown(call: Call, row: Row) -> Json:
    known = msgspec.json.decode(row["fields"])
    found = {
        "id": row["id"], "shortname": row["shortname"], "categoryid": row["category"], "fullname": row["fullname"],
        "displayname": row["fullname"], "summary": known.get("summary", ""),
        "summaryformat": known.get("summaryformat", 1), "format": row["format"], "startdate": row["startdate"],
        "enddate": row["enddate"], "showactivitydates": True, "showcompletionconditions": True,
    }  # fmt: skip
    if call.site.may("moodle/course:update"):
        found |= _for_managers(row, known) | {
            "categorysortorder": row["id"], "numsections": known.get("numsections", 4),
            "courseformatoptions": [{"name": "hiddensections", "value": "1"}, {"name": "coursedisplay", "value": "0"}],
        }  # fmt: skip
    return found


def _for_managers(row: Row, known: Json) -> Json:
    return {
        "idnumber": row["idnumber"], "visible": row["visible"], "showreports": known.get("showreports", 0),
        "lang": known.get("lang", ""), "timecreated": row["timecreated"], "timemodified": row["timemodified"],
        "enablecompletion": known.get("enablecompletion", 1), "completionnotify": 0,
        **{name: known.get(name, 0) for name in _OPTIONS},
    }  # fmt: skip


def courses_by_field(call: Call, given: Json) -> Json:
    """Those where a field has a value; without a field all."""
    field, store, warnings = given["field"], call.site.store, list[Json]()
    if field and field not in _FIELDS:
        raise bad_parameter("Invalid field name")
    value = call.site.cleaner.clean(_FIELDS[field], given["value"]) if field else ""
    if not field:
        rows = store.all("SELECT * FROM courses ORDER BY id")
    elif field == "ids":
        rows = _by_ids(call, value, warnings)
    elif field == "sectionid":
        rows = []
    else:
        rows = store.all(f"SELECT * FROM courses WHERE {field} = ? ORDER BY id", value)
    shown = [_public(call, row) for row in rows if row["visible"] or _sees_hidden(call)]
    return {"courses": call.page(shown), "warnings": warnings}


def _by_ids(call: Call, value: str, warnings: list[Json]) -> list[Row]:
    ids = [int(part) for part in value.split(",") if part]
    rows = call.site.store.all(f"SELECT * FROM courses WHERE id IN ({marks(ids)}) ORDER BY id", *ids)
    message = "No access rights in course context"
    for missing in sorted(set(ids) - {row["id"] for row in rows}):
        warnings.append({"item": "course", "itemid": missing, "warningcode": "1", "message": message})
    return rows


def _public(call: Call, row: Row) -> Json:
    known = msgspec.json.decode(row["fields"])
    category = call.site.store.one("SELECT name FROM categories WHERE id = ?", row["category"])
    found: dict[str, Any] = {
        "id": row["id"], "fullname": row["fullname"], "displayname": row["fullname"], "shortname": row["shortname"],
        "courseimage": f"{call.base}/course/generated", "categoryid": row["category"],
        "categoryname": category["name"] if category else "", "sortorder": row["id"],
        "summary": known.get("summary", ""), "summaryformat": known.get("summaryformat", 1), "summaryfiles": [],
        "overviewfiles": [], "showactivitydates": True, "showcompletionconditions": True, "contacts": [],
        "enrollmentmethods": ["manual"] if row["manual"] else [], "format": row["format"],
        "startdate": row["startdate"], "enddate": row["enddate"], "visible": row["visible"], "filters": [],
        "courseformatoptions": [{"name": "hiddensections", "value": "1"}],
    }  # fmt: skip
    if call.site.may("moodle/course:update"):
        found |= _for_managers(row, known)
    return found


FUNCTIONS: Final = {
    "core_course_get_courses": Function(get_courses, Group({
        "options": Group({"ids": Many(Value("int"), optional=True)}, default={}),
    })),
    "core_course_get_courses_by_field": Function(courses_by_field, Group({
        "field": given("alpha", ""), "value": given("raw", ""),
    })),
}  # fmt: skip
