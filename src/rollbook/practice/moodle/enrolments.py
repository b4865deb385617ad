"""Manual enrolments and roles in courses (enrol_manual_enrol_users, _unenrol_users, core_role_*)."""

from __future__ import annotations

from typing import Final

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.courses import find as find_course
from rollbook.practice.moodle.params import Group, Many, Value, may
from rollbook.practice.moodle.site import GUEST
from rollbook.practice.moodle.store import Row
from rollbook.practice.moodle.thrown import Thrown, bad_parameter, no_record, unworded

#: Course contexts are numbered apart from courses.
CONTEXT_OFFSET = 1_000_000


def active_user(call: Call, user_id: int) -> Row:
    """Somebody who is there and not deleted; suspended people count (core_user::require_active_user). Raises Thrown."""
    row = call.site.store.one("SELECT * FROM users WHERE id = ?", user_id)
    if row is None:
        raise no_record("user")
    if row["deleted"]:
        raise unworded("userdeleted")
    if row["id"] == GUEST:
        raise Thrown("guestsarenotallowed", "The guest user is not allowed to do this")
    return row


def enrol_users(call: Call, given: Json) -> None:
    """All of them or none. Who is enrolled gets the dates and status given; a further role is added to the others."""
    store = call.site.store
    for each in call.items(given["enrolments"]):
        course, user = each["courseid"], each["userid"]
        call.check(user)
        row = store.one("SELECT manual FROM courses WHERE id = ?", course)
        if row is None:
            raise bad_parameter("Context does not exist")
        call.need("enrol/manual:enrol")
        active_user(call, user)
        _check_role(call, each)
        if not row["manual"]:
            raise _no_instance(course)
        values = (int(bool(each.get("suspend"))), each.get("timestart", 0), each.get("timeend", 0))
        fresh = store.one("SELECT 1 FROM enrolments WHERE course = ? AND user = ?", course, user) is None
        store.run("INSERT OR REPLACE INTO enrolments VALUES (?, ?, 'manual', ?, ?, ?)", course, user, *values)
        _welcome(call, course, user)
        store.run("INSERT OR IGNORE INTO role_assignments VALUES (?, ?, ?)", course, user, each["roleid"])
        if fresh:
            _recover_grades(call, course, user)


def _welcome(call: Call, course: int, user: int) -> None:
    """The course's first teacher writes to whoever is enrolled, also to who was there before."""
    settings = call.site.settings
    if settings.welcome_messages and settings.release() >= (4, 4):
        sql = "SELECT 1 FROM role_assignments WHERE course = ? AND role = ?"
        if call.site.store.one(sql, course, settings.roles["editingteacher"]) is not None:
            call.site.mail("enrolcoursewelcomemessage", user)


def _check_role(call: Call, each: Json) -> None:
    if each["roleid"] not in call.site.settings.assignable_roles:
        message = (
            f"You don't have the permission to assign this role ({each['roleid']}) to this user ({each['userid']}) "
            f"in this course ({each['courseid']})."
        )
        raise Thrown("wsusercannotassign", message)


def _no_instance(course: int) -> Thrown:
    message = f"Manual enrolment plugin instance doesn't exist or is disabled for the course (id = {course})"
    return Thrown("wsnoinstance", message)


def _recover_grades(call: Call, course: int, user: int) -> None:
    """Grades that went with an earlier enrolment come back only where the site is set up so."""
    if call.site.settings.recover_grades:
        where = "user = ? AND item IN (SELECT id FROM grade_items WHERE course = ?)"
        call.site.store.run(f"UPDATE grades SET kept = 0 WHERE {where}", user, course)


def unenrol_users(call: Call, given: Json) -> None:
    """All of them or none. Grades are lost with the last enrolment; who is not enrolled is no error."""
    store = call.site.store
    for each in call.items(given["enrolments"]):
        course, user = each["courseid"], each["userid"]
        call.check(user)
        row = find_course(call, course)
        call.need("enrol/manual:unenrol")
        if not row["manual"]:
            raise _no_instance(course)
        active_user(call, user)
        where = "course = ? AND user = ?"
        if not store.one(f"SELECT 1 FROM enrolments WHERE {where} AND method = 'manual'", course, user):
            continue
        store.run(f"DELETE FROM enrolments WHERE {where} AND method = 'manual'", course, user)
        if not store.one(f"SELECT 1 FROM enrolments WHERE {where}", course, user):
            store.run(f"DELETE FROM role_assignments WHERE {where}", course, user)
            of_course = "SELECT id FROM grade_items WHERE course = ?"
            store.run(f"UPDATE grades SET kept = 1 WHERE user = ? AND item IN ({of_course})", user, course)


def assign_roles(call: Call, given: Json) -> None:
    """All of them or none; enrols nobody."""
    for each in call.items(given["assignments"]):
        course = _assignable(call, each)
        active_user(call, each["userid"])
        sql = "INSERT OR IGNORE INTO role_assignments VALUES (?, ?, ?)"
        call.site.store.run(sql, course, each["userid"], each["roleid"])


def unassign_roles(call: Call, given: Json) -> None:
    """All of them or none; a role that is not there is no error."""
    for each in call.items(given["unassignments"]):
        course = _assignable(call, each)
        sql = "DELETE FROM role_assignments WHERE course = ? AND user = ? AND role = ?"
        call.site.store.run(sql, course, each["userid"], each["roleid"])


def _assignable(call: Call, each: Json) -> int:
    call.check(each["userid"])
    course = int(each.get("contextid", 0)) - CONTEXT_OFFSET
    if not each.get("contextid"):
        if each.get("contextlevel") != "course" or "instanceid" not in each:
            text = "Missing parameters, please provide either context level with instance id or contextid"
            raise bad_parameter(text)
        course = int(each["instanceid"])
    find_course(call, course)
    call.need("moodle/role:assign")
    if each["roleid"] not in call.site.settings.assignable_roles:
        raise bad_parameter(f"Can not assign roleid={each['roleid']} in contextid={course + CONTEXT_OFFSET}")
    return course


_ROLE: Final = Many(Group({
    "roleid": Value("int"), "userid": Value("int"), "contextid": may("int"), "contextlevel": may("alphanumext"),
    "instanceid": may("int"),
}))  # fmt: skip
_PERSON: Final = {"userid": Value("int"), "courseid": Value("int")}
_MARKED: Final = ("enrolments", "userid")
FUNCTIONS: Final = {
    "enrol_manual_enrol_users": Function(enrol_users, Group({"enrolments": Many(Group({
        "roleid": Value("int"), **_PERSON, "timestart": may("int"), "timeend": may("int"), "suspend": may("int"),
    }))}), writes=True, costs="enrolments", locks=_MARKED),
    "enrol_manual_unenrol_users": Function(
        unenrol_users, Group({"enrolments": Many(Group(_PERSON))}), writes=True, costs="enrolments", locks=_MARKED
    ),
    "core_role_assign_roles": Function(
        assign_roles, Group({"assignments": _ROLE}), writes=True, locks=("assignments", "userid")
    ),
    "core_role_unassign_roles": Function(
        unassign_roles, Group({"unassignments": _ROLE}), writes=True, locks=("unassignments", "userid")
    ),
}  # fmt: skip
