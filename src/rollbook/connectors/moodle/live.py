"""Moodle's records to our live records. Pure and total: odd values become "not set"."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from rollbook.connectors.moodle.lenient import flag, ident, listing, mapping, optional, text
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.translate import NO_EMAIL, day
from rollbook.roster.changes import Fields, LiveRecord

#: Not all are shown of each account: the address may be hidden, and of one that Moodle cannot show there is nothing.
_SHOWN = {
    "first_name": "firstname",
    "last_name": "lastname",
    "username": "username",
    "email": "email",
    "middle_name": "middlename",
    "preferred_first_name": "alternatename",
}


def building(raw: Any) -> LiveRecord | None:
    known = mapping(raw)
    code = optional(known.get("idnumber"))
    return _record("building", known.get("id"), code, {"title": text(known.get("name")), "code": code})


def course(raw: Any) -> LiveRecord | None:
    known = mapping(raw)
    code = optional(known.get("idnumber"))
    fields = {"title": text(known.get("name")), "code": code, "building": ident(known.get("parent"))}
    return _record("course", known.get("id"), code, fields)


def user(raw: Any, own_id: str, protected: frozenset[str]) -> LiveRecord | None:
    """`own_id` is the token's own account, `protected` are usernames."""
    known = mapping(raw)
    lms_id, name = ident(known.get("id")), optional(known.get("username"))
    if lms_id is None:
        return None
    fields: Fields = {ours: optional(known[theirs]) for ours, theirs in _SHOWN.items() if theirs in known}
    address = fields.get("email")
    if isinstance(address, str) and address.endswith(NO_EMAIL):
        fields["email"] = None
    return LiveRecord(
        kind="user",
        lms_id=lms_id,
        code=optional(known.get("idnumber")),
        fields=fields,
        active=not flag(known.get("suspended")),
        protected=lms_id == own_id or name in protected,
    )


def section(raw: Any, zone: ZoneInfo, *, placed: bool) -> LiveRecord | None:
    """`placed`: its category says which course it belongs to."""
    known = mapping(raw)
    fields: Fields = {
        "title": text(known.get("fullname")),
        "start": day(known.get("startdate"), zone),
        "end": day(known.get("enddate"), zone),
    }
    if placed:
        fields["course"] = ident(known.get("categoryid"))
    return _record("section", known.get("id"), optional(known.get("idnumber")), fields)


def enrollment(raw: Any, section_id: str, section_code: str | None, options: MoodleOptions) -> LiveRecord | None:
    """A member, None for somebody whose roles make neither student nor teacher."""
    known = mapping(raw)
    own, person = ident(known.get("id")), optional(known.get("idnumber"))
    admin = is_admin(known, options)
    if own is None or admin is None:
        return None
    code = f"{section_code}|{person}" if section_code and person else None
    fields: Fields = {"section": section_id, "user": own, "admin": admin}
    return LiveRecord(kind="enrollment", lms_id=f"{section_id}|{own}", code=code, fields=fields)


def is_admin(raw: Any, options: MoodleOptions) -> bool | None:
    """Is an enrolled user a course admin, a mere member, or (None) neither?"""
    roles = listing(mapping(raw).get("roles"))
    names = {text(each.get("shortname")) for each in roles}
    ids = {text(each.get("roleid")) for each in roles}
    teaching = {options.teacher_role, options.assistant_role, *options.other_teacher_roles}
    if ids & {str(options.teacher_role_id), str(options.assistant_role_id)} or names & teaching:
        return True
    return False if str(options.student_role_id) in ids or options.student_role in names else None


def _record(kind: str, lms_id: Any, code: str | None, fields: Fields) -> LiveRecord | None:
    own = ident(lms_id)
    return None if own is None else LiveRecord(kind=kind, lms_id=own, code=code, fields=fields)
