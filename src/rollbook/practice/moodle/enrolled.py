"""Who is in a course, and in which courses somebody is (core_enrol_get_enrolled_users and its like)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.courses import find as find_course
from rollbook.practice.moodle.params import Group, Many, Value, given
from rollbook.practice.moodle.site import GUEST
from rollbook.practice.moodle.store import Row
from rollbook.practice.moodle.thrown import bad_parameter, coding
from rollbook.practice.moodle.user_view import check_fields, details

#: Which roles have a capability; one that is not listed is had by all.
_MANAGERS: Final = ("manager", "editingteacher")
_TEACHERS: Final = (*_MANAGERS, "teacher")
_HOLDERS: Final = {
    "moodle/course:update": _MANAGERS, "moodle/course:manageactivities": _MANAGERS, "moodle/grade:edit": _MANAGERS,
    "moodle/grade:viewall": _TEACHERS, "mod/assign:grade": _TEACHERS, "mod/assign:submit": ("student",),
    "moodle/course:isincompletionreports": ("student",),
    "gradereport/user:view": ("student", "teacher", "editingteacher"),
}  # fmt: skip
_SEPARATE_GROUPS: Final = 1
_ACTIVE: Final = "(e.status = 0 AND e.timestart < ?2 AND (e.timeend = 0 OR e.timeend > ?2))"
_SORTS: Final = {
    "id": "u.id",
    "firstname": "u.firstname",
    "lastname": "u.lastname",
    "siteorder": "u.lastname, u.firstname, u.id",
}


def enrolled_users(call: Call, given: Json) -> list[Json]:
    """Everybody enrolled, suspended ones too unless `onlyactive`; status and dates are not told."""
    options = {each["name"]: each["value"] for each in given["options"]}
    return _of_course(call, given["courseid"], options)


def _of_course(call: Call, course_id: int, options: dict[str, str]) -> list[Json]:
    course = find_course(call, course_id)
    call.need("moodle/course:viewparticipants")
    if options.get("withcapability"):
        call.need("moodle/role:review")
    wanted = {name: options.get(name, "0") not in {"", "0"} for name in ("onlyactive", "onlysuspended")}
    if any(wanted.values()):
        call.need("moodle/course:enrolreview")
    if all(wanted.values()):
        raise coding("Both onlyactive and onlysuspended are set, this is probably not what you want!")
    separate = msgspec.json.decode(course["fields"]).get("groupmode") == _SEPARATE_GROUPS
    if separate and not call.site.may("moodle/site:accessallgroups"):
        return []  # the token's user is in no group
    rows = call.site.store.all(_sql(wanted, _order(options)), course_id, call.site.now(), GUEST)
    roles = _roles(call, course_id)
    if options.get("withcapability"):
        holders = _holders(call, options["withcapability"])
        rows = [row for row in rows if holders is None or roles.get(row["id"], set()) & holders]
    fields = {part.strip() for part in options.get("userfields", "").split(",") if part.strip()}
    check_fields(fields)
    start, most = (_limit(call, options, name) for name in ("limitfrom", "limitnumber"))
    return [_member(call, row, roles, fields) for row in call.page(rows, start, most)]


def _order(options: dict[str, str]) -> str:
    by, direction = options.get("sortby", "id"), options.get("sortdirection", "ASC").upper()
    if by not in _SORTS:
        raise bad_parameter(f"Invalid value for sortby parameter (value: {by}), allowed values are: {','.join(_SORTS)}")
    if direction not in {"ASC", "DESC"}:
        raise bad_parameter(f"Invalid value for sortdirection parameter (value: {direction})")
    return f"{_SORTS[by]} {direction}"


def _sql(wanted: dict[str, bool], order: str) -> str:
    active = f"EXISTS (SELECT 1 FROM enrolments e WHERE e.course = ?1 AND e.user = u.id AND {_ACTIVE})"
    rule = active if wanted["onlyactive"] else f"NOT {active}" if wanted["onlysuspended"] else "1"
    return (
        "SELECT * FROM users u WHERE u.deleted = 0 AND u.id != ?3 "
        f"AND u.id IN (SELECT user FROM enrolments WHERE course = ?1) AND {rule} ORDER BY {order}"
    )


def _limit(call: Call, options: dict[str, str], name: str) -> int:
    return max(0, int(call.site.cleaner.clean("int", options.get(name, "0"))))


def _roles(call: Call, course_id: int) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for row in call.site.store.all("SELECT user, role FROM role_assignments WHERE course = ?", course_id):
        found.setdefault(row["user"], set()).add(row["role"])
    return found


def _holders(call: Call, capability: str) -> set[int] | None:
    names = _HOLDERS.get(capability)
    return None if names is None else {call.site.settings.roles[name] for name in names}


def _member(call: Call, row: Row, roles: dict[int, set[int]], fields: set[str]) -> Json:
    if not call.site.may("moodle/user:viewdetails"):
        return {"id": row["id"], "fullname": f"{row['firstname']} {row['lastname']}"}
    found = details(call, row, fields, in_course=True)
    names = call.site.role_names()
    if not fields or "roles" in fields:
        found["roles"] = [
            {"roleid": role, "name": "", "shortname": names.get(role, ""), "sortorder": role}
            for role in sorted(roles.get(row["id"], ()))
        ]
    if not fields or "groups" in fields:
        found["groups"] = []
    if not fields or "enrolledcourses" in fields:
        keys = ("id", "fullname", "shortname")
        found["enrolledcourses"] = [{key: each[key] for key in keys} for each in _courses(call, row["id"])]
    return found


def _courses(call: Call, user_id: int) -> list[Row]:
    """Courses where somebody is active, with the front page's course never among them."""
    sql = (
        "SELECT DISTINCT c.* FROM courses c JOIN enrolments e ON e.course = c.id "
        f"WHERE e.user = ?1 AND {_ACTIVE} ORDER BY c.id"
    )
    return call.site.store.all(sql, user_id, call.site.now())


def with_capability(call: Call, given: Json) -> list[Json]:
    """For each course and capability who has it."""
    call.need("moodle/role:review")
    options = {each["name"]: each["value"] for each in given["options"]}
    return [
        {
            "courseid": each["courseid"], "capability": capability,
            "users": _without_idnumber(_of_course(call, each["courseid"], {**options, "withcapability": capability})),
        }
        for each in given["coursecapabilities"] for capability in each["capabilities"]
    ]  # fmt: skip


def _without_idnumber(users: list[Json]) -> list[Json]:
    """Its description of an answer does not have the ID number."""
    return [{name: value for name, value in user.items() if name != "idnumber"} for user in users]


def users_courses(call: Call, given: Json) -> list[Json]:
    """Courses where somebody is active; none of anybody whom the token's user may not see."""
    if not call.site.may("moodle/course:viewparticipants"):
        return []
    return call.page([_course(call, row, given["returnusercount"]) for row in _courses(call, given["userid"])])


def _course(call: Call, row: Row, counted: bool) -> Json:
    found: dict[str, Any] = {
        "id": row["id"], "shortname": row["shortname"], "fullname": row["fullname"], "displayname": row["fullname"],
        "idnumber": row["idnumber"], "visible": row["visible"], "summary": "", "summaryformat": 1,
        "format": row["format"], "showgrades": True, "lang": "", "enablecompletion": True,
        "completionhascriteria": False, "completionusertracked": False, "category": row["category"],
        "progress": None, "completed": None, "startdate": row["startdate"], "enddate": row["enddate"], "marker": 0,
        "lastaccess": None, "isfavourite": False, "hidden": False, "overviewfiles": [], "showactivitydates": True,
        "showcompletionconditions": True, "timemodified": row["timemodified"],
    }  # fmt: skip
    if counted:
        sql = "SELECT COUNT(DISTINCT user) FROM enrolments WHERE course = ?"
        found["enrolledusercount"] = call.site.store.number(sql, row["id"])
    return found


_OPTIONS: Final = Many(Group({"name": Value("alphanumext"), "value": Value("raw")}), default=[])
FUNCTIONS: Final = {
    "core_enrol_get_enrolled_users": Function(
        enrolled_users, Group({"courseid": Value("int"), "options": _OPTIONS})
    ),
    "core_enrol_get_enrolled_users_with_capability": Function(with_capability, Group({
        "coursecapabilities": Many(Group({"courseid": Value("int"), "capabilities": Many(Value("raw"))})),
        "options": _OPTIONS,
    })),
    "core_enrol_get_users_courses": Function(
        users_courses, Group({"userid": Value("int"), "returnusercount": given("bool", True)})
    ),
}  # fmt: skip
