"""Our words to the LMS's items. Pure and total: what cannot be said becomes a Refusal, never an exception.

Field names: Schoology REST API v1, Users, Courses, Course Sections, Enrollments, Grading Periods, Buildings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollbook.connectors.schoology.lenient import Json, all_ids, flag, ident, number, optional, text
from rollbook.roster.changes import Change
from rollbook.roster.lms import CREATE, REMOVE

_USER_TEXTS = {
    "first_name": "name_first",
    "last_name": "name_last",
    "middle_name": "name_middle",
    "preferred_first_name": "name_first_preferred",
    "username": "username",
    "email": "primary_email",
    "graduation_year": "grad_year",
}


@dataclass(frozen=True)
class Refusal:
    """Why a change cannot be said to this LMS; it is not sent."""

    message: str


@dataclass(frozen=True)
class Wording:
    """What is needed beside the change itself: role names to ids, and initial passwords by user key."""

    roles: Mapping[str, str] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)


def role_id(roles: Mapping[str, str], name: str) -> str | None:
    """The id of a role: by exact name, else by the only one that differs in case alone."""
    if name in roles:
        return roles[name]
    alike = {each for title, each in roles.items() if title.casefold() == name.casefold()}
    return alike.pop() if len(alike) == 1 else None


def user_item(change: Change, wording: Wording) -> Json | Refusal:
    """An item of POST users?update_existing=1. No e-mail is sent, and Unique ID is locked in the LMS's
    pages."""
    item: Json = {"school_uid": change.key, "email_login_info": 0, "synced": 1}
    item.update({theirs: value for ours, theirs in _USER_TEXTS.items() if (value := _value(change, ours)) is not None})
    if "name_first_preferred" in item:
        item["use_preferred_first_name"] = int(bool(item["name_first_preferred"]))
    role = optional(change.after.get("role"))
    if role is not None:
        found = role_id(wording.roles, role)
        if found is None:
            return Refusal("the LMS has no role with the mapped name")
        item["role_id"] = found
    elif change.action == CREATE:
        return Refusal("no role is mapped")
    refusal = _add_buildings(item, change)
    if refusal is None and change.action == CREATE and (password := wording.passwords.get(change.key)):
        item["password"] = password
    return refusal or item


def _add_buildings(item: Json, change: Change) -> Refusal | None:
    if optional(change.after.get("building")) is not None:
        main = ident(change.refs.get("building"))
        if main is None:
            return Refusal("the LMS id of the main building is not known")
        item["building_id"] = main
    others = all_ids(change.refs.get("additional_buildings"))
    if others is None or (change.after.get("additional_buildings") and not others):
        return Refusal("the LMS id of an additional building is not known")
    if others or "additional_buildings" in change.before:
        item["additional_buildings"] = ",".join(each for each in others if each != item.get("building_id"))
    return None


def _value(change: Change, name: str) -> str | None:
    """The text to send; "" where a value that was there is taken away; None where nothing is to be sent."""
    value = optional(change.after.get(name))
    if value is None and name in change.before and name in change.after:
        return ""
    return value


def rekey_item(change: Change, code: str) -> Json | Refusal:
    """An item of a bulk PUT that gives an object another external id; `code` is that id's field."""
    return _by_id(change, {code: change.new_key, "synced": 1} if change.new_key else {})


def course_item(change: Change) -> Json | Refusal:
    """An item of POST courses?update_existing=1."""
    return _course(change.after, change.refs.get("building"))


def course_code_item(change: Change) -> Json | Refusal:
    """An item of PUT courses: a course whose code changes can only be named by its id."""
    item = course_item(change)
    return item if isinstance(item, Refusal) else _by_id(change, item)


def parent_course_item(change: Change) -> Json | Refusal:
    """The course that a section is nested in, as last written."""
    parent = change.parent_fields.get("course")
    if parent is None:
        return Refusal("the fields of its course are not known")
    return _course(parent, change.refs.get("course.building"))


def _course(fields: Mapping[str, Any], building: Any) -> Json | Refusal:
    code, title, place = optional(fields.get("code")), optional(fields.get("title")), ident(building)
    if code is None:
        return Refusal("the course has no code")
    if optional(fields.get("building")) is not None and place is None:
        return Refusal("the LMS id of the course's building is not known")
    item: Json = {"course_code": code, "title": title or code, "synced": 1}
    return item | {"building_id": place} if place else item


def section_item(change: Change) -> Json | Refusal:
    """A section nested in POST courses?update_existing=1; matched by section_school_code."""
    periods = all_ids(change.refs.get("grading_periods"))
    if not periods:
        return Refusal("the LMS ids of its grading periods are not known")
    item: Json = {
        "title": text(change.after.get("title")) or change.key,
        "section_school_code": change.key,
        "grading_periods": [each if (whole := number(each)) is None else whole for each in periods],
        "synced": 1,
    }
    location = _value(change, "location")
    return item if location is None else item | {"location": location}


def enrollment_item(change: Change) -> Json | Refusal:
    """An item of POST enrollments/import/course, which needs no LMS ids."""
    section, user = optional(change.after.get("section")), optional(change.after.get("user"))
    if section is None or user is None:
        return Refusal("the enrollment does not name its section and user")
    item: Json = {"section_school_code": section, "school_uid": user}
    return item | _taken(change) if change.action == REMOVE else item | {"admin": int(flag(change.after.get("admin")))}


def link_item(change: Change) -> Json | Refusal:
    """An item of POST users/import/associations/parents."""
    student, guardian = optional(change.after.get("student")), optional(change.after.get("guardian"))
    if student is None or guardian is None:
        return Refusal("the link does not name its student and guardian")
    return {"student_school_uid": student, "parent_school_uid": guardian} | _taken(change)


def _taken(change: Change) -> Json:
    return {"delete": 1} if change.action == REMOVE else {}


def building_item(change: Change) -> Json | Refusal:
    """Body of POST schools/{id}/buildings or PUT schools/{id}."""
    title, code = optional(change.after.get("title")), _value(change, "code")
    if title is None:
        return Refusal("the building has no title")
    return {"title": title} if code is None else {"title": title, "building_code": code}


def period_item(change: Change) -> Json | Refusal:
    """Body of POST gradingperiods or PUT gradingperiods/{id}."""
    item: Json = {name: optional(change.after.get(name)) for name in ("title", "start", "end")}
    if None in item.values():
        return Refusal("a grading period needs a title, a start and an end")
    return item


def _by_id(change: Change, fields: Json) -> Json | Refusal:
    lms_id = ident(change.lms_id)
    if lms_id is None or not fields:
        return Refusal("its LMS id is not known")
    return {"id": number(lms_id) or lms_id} | fields
