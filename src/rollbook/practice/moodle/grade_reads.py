"""Names of grade items and categories, and assignments (core_grades_*, mod_assign_*)."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.courses import find as find_course
from rollbook.practice.moodle.gradebook import course_category
from rollbook.practice.moodle.params import Group, Many, Value, given
from rollbook.practice.moodle.site import SERVICE
from rollbook.practice.moodle.store import Row, marks

_COURSE: Final = Group({"courseid": Value("int")})


def get_gradeitems(call: Call, given: Json) -> Json:
    """Items with the name of their category; ids are texts; totals are left out."""
    course = find_course(call, given["courseid"])
    rows = call.site.store.all(
        "SELECT i.id, i.itemname, g.fullname, g.parent FROM grade_items i JOIN grade_categories g ON g.id = i.category "
        "WHERE i.course = ? ORDER BY i.id", course["id"],
    )  # fmt: skip
    found = [
        {
            "id": str(row["id"]), "itemname": _formatted(row["itemname"]),
            "category": _formatted(_category_name(course, row)),
        }
        for row in rows
    ]  # fmt: skip
    return {"gradeItems": call.page(found), "warnings": []}


def _formatted(name: str) -> str:
    """As for a page: without tags, and with ampersands escaped (format_string)."""
    return re.sub(r"&(?![a-zA-Z0-9#]{1,8};)", "&amp;", re.sub(r"<[^\s<>][^<>]*>", "", name))


def _category_name(course: Row, row: Row) -> str:
    """The top category is called as the course is."""
    return str(course["fullname"] if row["parent"] is None else row["fullname"])


def get_grade_tree(call: Call, given: Json) -> str:
    """A JSON text within the JSON answer."""
    course = find_course(call, given["courseid"])
    call.need("moodle/grade:viewall")
    top = course_category(call.site, course["id"])
    return msgspec.json.encode(_branch(call, course, top)).decode()


def _branch(call: Call, course: Row, category: int) -> Json:
    store = call.site.store
    row = store.one("SELECT * FROM grade_categories WHERE id = ?", category)
    assert row is not None
    inner = store.all("SELECT id FROM grade_categories WHERE parent = ? ORDER BY id", category)
    items = store.all("SELECT * FROM grade_items WHERE category = ? ORDER BY id", category)
    children: list[Any] = [_branch(call, course, each["id"]) for each in inner]
    children += [{"id": each["id"], "name": each["itemname"], "iscategory": False, "children": None} for each in items]
    return {
        "id": category, "name": _category_name(course, row), "iscategory": True, "haschildcategories": bool(inner),
        "children": children or None,
    }  # fmt: skip


def access_information(call: Call, given: Json) -> Json:
    find_course(call, given["courseid"])
    return {
        "canviewusergradereport": call.site.may("gradereport/user:view"),
        "canviewmygrades": call.site.may("moodle/grade:view"),
        "canviewallgrades": call.site.may("moodle/grade:viewall"), "warnings": [],
    }  # fmt: skip


def get_assignments(call: Call, given: Json) -> Json:
    """Assignments of the courses named; of others than the token's user's own only if `includenotenrolledcourses`."""
    store, warnings, found = call.site.store, list[Json](), list[Json]()
    own = {row["course"] for row in store.all("SELECT course FROM enrolments WHERE user = ?", SERVICE)}
    for course_id in given["courseids"] or sorted(own):
        row = store.one("SELECT * FROM courses WHERE id = ?", course_id)
        if course_id not in own and not given["includenotenrolledcourses"]:
            message = "User is not enrolled or does not have requested capability"
            warnings.append({"item": "course", "itemid": course_id, "warningcode": "2", "message": message})
        elif row is None:
            message = "No access rights in course context Can't find data record in database table course."
            warnings.append({"item": "course", "itemid": course_id, "warningcode": "1", "message": message})
        else:
            found.append(_course(call, row))
    return {"courses": call.page(found), "warnings": warnings}


def _course(call: Call, row: Row) -> Json:
    sql = "SELECT * FROM grade_items WHERE course = ? AND itemmodule = 'assign' ORDER BY id"
    items = call.site.store.all(sql, row["id"])
    keys = ("id", "fullname", "shortname", "timemodified")
    return {**{key: row[key] for key in keys}, "assignments": [_assignment(item) for item in items]}


def _assignment(item: Row) -> Json:
    """`grade` is the most points, or for a scale a negative number."""
    due = msgspec.json.decode(item["fields"]).get("due", 0)
    zeros = (
        "nosubmissions", "submissiondrafts", "sendnotifications", "sendlatenotifications", "cutoffdate",
        "allowsubmissionsfromdate", "gradingduedate", "teamsubmission", "requireallteammemberssubmit",
        "teamsubmissiongroupingid", "blindmarking", "hidegrader", "revealidentities", "markingworkflow",
        "markingallocation", "markinganonymous", "requiresubmissionstatement", "preventsubmissionnotingroup",
        "completionsubmit", "timemodified",
    )  # fmt: skip
    return {
        "id": item["iteminstance"], "cmid": item["cmid"], "course": item["course"], "name": item["itemname"],
        "duedate": due, "grade": -1 if item["scale"] else int(item["grademax"]), "sendstudentnotifications": 1,
        "attemptreopenmethod": "none", "maxattempts": -1, "configs": [], **dict.fromkeys(zeros, 0),
    }  # fmt: skip


def get_assign_grades(call: Call, given: Json) -> Json:
    """Grades as the activity has them, texts with five decimals; the gradebook may say otherwise."""
    ids = given["assignmentids"]
    rows = call.site.store.all(
        "SELECT g.*, i.iteminstance FROM grades g JOIN grade_items i ON i.id = g.item WHERE g.raw IS NOT NULL "
        f"AND g.kept = 0 AND i.itemmodule = 'assign' AND i.iteminstance IN ({marks(ids)}) "
        "AND COALESCE(g.graded, 0) >= ? ORDER BY i.id, g.user", *ids, given["since"],
    )  # fmt: skip
    found: dict[int, list[Json]] = {}
    for row in rows:
        found.setdefault(row["iteminstance"], []).append({
            "id": row["item"] * 100_000 + row["user"], "userid": row["user"], "attemptnumber": 0,
            "timecreated": row["submitted"] or row["graded"] or 0, "timemodified": row["graded"] or 0, "grader": 2,
            "grade": f"{row['raw']:.5f}",
        })  # fmt: skip
    warnings = [
        {"item": "assignment", "itemid": each, "warningcode": "3", "message": "No grades found"}
        for each in ids if each not in found
    ]  # fmt: skip
    assignments = [{"assignmentid": key, "grades": grades} for key, grades in found.items()]
    return {"assignments": call.page(assignments), "warnings": warnings}


_NEWER: Final = (4, 2)
FUNCTIONS: Final = {
    "core_grades_get_gradeitems": Function(get_gradeitems, _COURSE, since=_NEWER),
    "core_grades_get_grade_tree": Function(get_grade_tree, _COURSE, since=(4, 3)),
    "gradereport_user_get_access_information": Function(
        access_information, _COURSE, since=_NEWER, component="gradereport_user"
    ),
    "mod_assign_get_assignments": Function(get_assignments, Group({
        "courseids": Many(Value("int"), default=[]), "capabilities": Many(Value("raw"), default=[]),
        "includenotenrolledcourses": given("bool", False),
    }), component="mod_assign"),
    "mod_assign_get_grades": Function(
        get_assign_grades, Group({"assignmentids": Many(Value("int")), "since": given("int", 0)}),
        component="mod_assign",
    ),
}  # fmt: skip
