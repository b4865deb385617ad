"""Courses are made, changed and deleted (core_course_create_courses, _update_courses, _delete_courses)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rollbook.practice.moodle.call import Call, Function, Json, warned
from rollbook.practice.moodle.params import Group, Many, Value, given, may
from rollbook.practice.moodle.site import SITE_COURSE
from rollbook.practice.moodle.store import Row
from rollbook.practice.moodle.thrown import Thrown, no_record, not_written

_YEAR = 365 * 86_400
_COLUMNS: Final = ("fullname", "shortname", "idnumber", "startdate", "enddate", "visible", "format")
_PAIR: Final = Many(Group({"name": Value("alphanumext"), "value": Value("raw")}), optional=True)
_CUSTOM: Final = Many(Group({"shortname": Value("alphanumext"), "value": Value("raw")}), optional=True)
_NUMBERS: Final = {
    "showgrades": 1,
    "newsitems": 5,
    "maxbytes": 0,
    "showreports": 0,
    "groupmode": 0,
    "groupmodeforce": 0,
}
_COMMON: Final[dict[str, Value | Many | Group]] = {
    "idnumber": may("raw"), "summary": may("raw"), "startdate": may("int"), "enddate": may("int"),
    "numsections": may("int"), "visible": may("int"), "hiddensections": may("int"), "enablecompletion": may("int"),
    "completionnotify": may("int"), "lang": may("raw"), "forcetheme": may("plugin"), "courseformatoptions": _PAIR,
    "customfields": _CUSTOM,
}  # fmt: skip
_CREATE: Final = Group({"courses": Many(Group({
    "fullname": Value("text"), "shortname": Value("text"), "categoryid": Value("int"), "summaryformat": given("int", 1),
    "format": given("plugin", "topics"), "defaultgroupingid": given("int", 0),
    **{name: given("int", default) for name, default in _NUMBERS.items()}, **_COMMON,
}))})  # fmt: skip
_UPDATE: Final = Group({"courses": Many(Group({
    "id": Value("int"), "fullname": may("text"), "shortname": may("text"), "categoryid": may("int"),
    "summaryformat": may("int"), "format": may("plugin"), "defaultgroupingid": may("int"),
    **{name: may("int") for name in _NUMBERS}, **_COMMON,
}))})  # fmt: skip
#: Which capability a changed field needs.
_CHANGES: Final = {
    "category": "moodle/course:changecategory", "fullname": "moodle/course:changefullname",
    "shortname": "moodle/course:changeshortname", "idnumber": "moodle/course:changeidnumber",
    "visible": "moodle/course:visibility",
}  # fmt: skip


def find(call: Call, course_id: int) -> Row:
    """Raises Thrown."""
    row = call.site.store.one("SELECT * FROM courses WHERE id = ?", course_id)
    if row is None:
        raise no_record("course")
    return row


def create_courses(call: Call, given: Json) -> list[Json]:
    """All of them or none."""
    made = []
    for course in call.items(given["courses"]):
        call.check()
        category = call.site.store.one("SELECT visible FROM categories WHERE id = ?", course["categoryid"])
        if category is None:
            text = f"You cannot execute functions in the category context (category id:{course['categoryid']})."
            detail = f"{text} The context error message was: Invalid parameter value detected"
            raise Thrown("errorcatcontextnotvalid", detail)
        call.need("moodle/course:create")
        _check_names(course)
        if not call.site.may("moodle/course:visibility"):
            course["visible"] = category["visible"]
        made.append({"id": _create(call, course), "shortname": course["shortname"]})
    return made


def _check_names(course: Json) -> None:
    for name in ("fullname", "shortname"):
        if name in course and not course[name].strip():
            raise Thrown("errorinvalidparam", f'The param "{name}" is invalid.')


def _create(call: Call, course: Json) -> int:
    site, now = call.site, call.site.now()
    course.setdefault("startdate", site.midnight())
    if site.settings.course_end_dates:
        course.setdefault("enddate", course["startdate"] + _YEAR)
    _check_taken(call, course, 0)
    _check_dates(course)
    _check_lengths(call, course)
    columns = {name: course[name] for name in _COLUMNS if name in course}
    return site.store.insert(
        "courses", **columns, category=course["categoryid"], manual=int(site.settings.manual_enrolment),
        fields=_fields(course), timecreated=now, timemodified=now,
    )  # fmt: skip


def _check_taken(call: Call, course: Json, own: int) -> None:
    for name, code, words in (
        ("shortname", "shortnametaken", "Short name is already used for another course"),
        ("idnumber", "courseidnumbertaken", "ID number is already used for another course"),
    ):
        value = course.get(name, "")
        if value and call.site.store.one(f"SELECT 1 FROM courses WHERE {name} = ? AND id != ?", value, own):
            raise Thrown(code, f"{words} ({value})")


def _check_dates(course: Json) -> None:
    """Looks at what was sent alone: an end without its start is refused, also where the course has a start."""
    start, end = course.get("startdate"), course.get("enddate")
    if end and not start:
        raise Thrown("nostartdatenoenddate", "A course end date can only be set if a start date is also set.")
    if start and end and end < start:
        raise Thrown("enddatebeforestartdate", "The course end date must be after the start date.")


def _check_lengths(call: Call, course: Json) -> None:
    full = 1333 if call.site.settings.release() >= (5, 0) else 254
    for name, most in (("fullname", full), ("shortname", 255), ("idnumber", 100)):
        if len(course.get(name, "")) > most:
            raise not_written(f"value too long for type character varying({most})")


def _fields(course: Json) -> str:
    rest = {name: value for name, value in course.items() if name not in {*_COLUMNS, "id", "categoryid", "category"}}
    return msgspec.json.encode(rest).decode()


def update_courses(call: Call, given: Json) -> Json:
    """Each by itself; one that fails becomes a warning."""
    warnings: list[Json] = []
    for course in call.items(given["courses"]):
        with warned(call, warnings, "course", course["id"]):
            _update(call, course)
    return {"warnings": warnings}


def _update(call: Call, course: Json) -> None:
    call.check()
    row = find(call, course["id"])
    call.need("moodle/course:update")
    if "categoryid" in course:
        course["category"] = course["categoryid"]
    changed: dict[str, Any] = {
        name: course[name] for name in (*_COLUMNS, "category") if name in course and course[name] != row[name]
    }
    for name in changed:
        if name in _CHANGES:
            call.need(_CHANGES[name])
    _check_names(changed)
    if row["id"] == SITE_COURSE:
        raise Thrown("invalidcourse", "Invalid course")
    if "category" in changed and not call.site.store.one("SELECT 1 FROM categories WHERE id = ?", changed["category"]):
        raise no_record("course_categories")
    _check_taken(call, course, row["id"])
    _check_dates(course)
    _check_lengths(call, course)
    fields = msgspec.json.decode(row["fields"]) | msgspec.json.decode(_fields(course))
    call.site.store.update(
        "courses", row["id"], **changed, fields=msgspec.json.encode(fields).decode(), timemodified=call.site.now()
    )


def delete_courses(call: Call, given: Json) -> Json:
    """Each by itself, with everything in it."""
    store, warnings = call.site.store, list[Json]()
    for course_id in call.items(given["courseids"]):
        if not store.one("SELECT 1 FROM courses WHERE id = ?", course_id):
            message = f"Unknown course ID {course_id}"
            code = "unknowncourseidnumber"
            warnings.append({"item": "course", "itemid": course_id, "warningcode": code, "message": message})
            continue
        store.run("DELETE FROM grades WHERE item IN (SELECT id FROM grade_items WHERE course = ?)", course_id)
        for table in ("enrolments", "role_assignments", "grade_items", "grade_categories"):
            store.run(f"DELETE FROM {table} WHERE course = ?", course_id)
        store.run("DELETE FROM courses WHERE id = ?", course_id)
        store.insert("deletions", kind="course", id=course_id)
    return {"warnings": warnings}


FUNCTIONS: Final = {
    "core_course_create_courses": Function(create_courses, _CREATE, writes=True, locks=("courses", "categoryid")),
    "core_course_update_courses": Function(update_courses, _UPDATE, writes=True, whole=False),
    "core_course_delete_courses": Function(
        delete_courses, Group({"courseids": Many(Value("int"))}), writes=True, whole=False
    ),
}
