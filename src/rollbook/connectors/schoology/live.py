"""The LMS's objects to our live records. Pure and total: odd values become "not set"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollbook.connectors.schoology.lenient import flag, ident, ids, mapping, optional, text
from rollbook.roster.changes import Fields, LiveRecord


@dataclass(frozen=True)
class Organization:
    """What is needed to read people: role titles by id, the key's own account, roles that administer
    the LMS."""

    role_titles: Mapping[str, str] = field(default_factory=dict)
    own_id: str | None = None
    admin_roles: frozenset[str] = frozenset()


def building(raw: Any) -> LiveRecord | None:
    known = mapping(raw)
    code = optional(known.get("building_code"))
    return _record("building", known.get("id"), code, {"title": text(known.get("title")), "code": code})


def grading_period(raw: Any) -> LiveRecord | None:
    known = mapping(raw)
    fields = {"title": text(known.get("title"))}
    # Some answers add a time of day.
    fields |= {name: text(known.get(name))[:10] for name in ("start", "end")}
    return _record("grading_period", known.get("id"), fields["title"] or None, fields)


def user(raw: Any, organization: Organization) -> LiveRecord | None:
    known = mapping(raw)
    role_id = ident(known.get("role_id"))
    role = organization.role_titles.get(role_id) if role_id else None
    main = ident(known.get("building_id")) or ident(known.get("school_id"))
    others = sorted(each for each in ids(known.get("additional_buildings")) if each != main)
    fields = {
        "first_name": optional(known.get("name_first")),
        "last_name": optional(known.get("name_last")),
        "middle_name": optional(known.get("name_middle")),
        "preferred_first_name": optional(known.get("name_first_preferred")),
        "username": optional(known.get("username")),
        "email": optional(known.get("primary_email")),
        "role": role,
        "building": main,
        "additional_buildings": others,
        "graduation_year": ident(known.get("grad_year")),
    }
    lms_id = ident(known.get("id")) or ident(known.get("uid"))
    record = _record("user", lms_id, optional(known.get("school_uid")), fields)
    if record is None or not (lms_id == organization.own_id or role in organization.admin_roles):
        return record
    return LiveRecord(kind="user", lms_id=record.lms_id, code=record.code, fields=fields, protected=True)


def inactive_user(raw: Any, organization: Organization) -> LiveRecord | None:
    """A deactivated account, of which the LMS tells only id, display name and unique id: `fields` is
    empty."""
    known = mapping(raw)
    lms_id = ident(known.get("uid")) or ident(known.get("id"))
    if lms_id is None:
        return None
    code, own = optional(known.get("school_uid")), lms_id == organization.own_id
    return LiveRecord(kind="user", lms_id=lms_id, code=code, fields={}, active=False, protected=own)


def course(raw: Any) -> LiveRecord | None:
    known = mapping(raw)
    code = optional(known.get("course_code"))
    place = ident(known.get("building_id")) or ident(known.get("school_id"))
    fields = {"title": _title(known, "course"), "code": code, "building": place}
    return _record("course", known.get("id"), code, fields)


def section(raw: Any) -> LiveRecord | None:
    known = mapping(raw)
    fields = {
        "title": _title(known, "section"),
        "course": ident(known.get("course_id")),
        "grading_periods": sorted(ids(known.get("grading_periods"))),
        "location": optional(known.get("location")),
    }
    return _record("section", known.get("id"), optional(known.get("section_school_code")), fields)


def enrollment(raw: Any, section_id: str, section_code: str | None) -> LiveRecord | None:
    """A live enrollment; None for one that is pending, expired or archived (`status` other than 1)."""
    known = mapping(raw)
    if text(known.get("status")) not in {"", "1"}:
        return None
    person = optional(known.get("school_uid"))
    code = f"{section_code}|{person}" if section_code and person else None
    fields = {"section": section_id, "user": ident(known.get("uid")), "admin": flag(known.get("admin"))}
    return _record("enrollment", known.get("id"), code, fields)


#: Where an account shows who is linked to it as child or parent.
LINK_FIELDS = ("child_uids", "parent_uids", "parents")


def link_ends(raw: Any) -> list[tuple[str, str]]:
    """Pairs of LMS ids (student, guardian) that an account shows, from whichever end it shows them."""
    known = mapping(raw)
    own = ident(known.get("id")) or ident(known.get("uid"))
    if own is None:
        return []
    parents = known.get("parents")
    parents = mapping(parents).get("parent", parents)
    listed = [mapping(each) for each in (parents if isinstance(parents, list | tuple) else [parents])]
    above = ids([each.get("id") or each.get("uid") for each in listed]) + ids(known.get("parent_uids"))
    pairs = [(own, guardian) for guardian in above] + [(child, own) for child in ids(known.get("child_uids"))]
    return list(dict.fromkeys(pairs))


def guardian_link(ends: tuple[str, str], codes: Mapping[str, str | None]) -> LiveRecord:
    """A link; `codes` maps LMS ids of accounts to their unique ids."""
    student, guardian = (codes.get(each) for each in ends)
    code = f"{student}|{guardian}" if student and guardian else None
    fields: Fields = {"student": ends[0], "guardian": ends[1]}
    return LiveRecord(kind="guardian_link", lms_id="|".join(ends), code=code, fields=fields)


def _title(known: Mapping[str, Any], kind: str) -> str:
    return text(known.get("title")) or text(known.get(f"{kind}_title"))


def _record(kind: str, lms_id: Any, code: str | None, fields: Fields) -> LiveRecord | None:
    own = ident(lms_id)
    return None if own is None else LiveRecord(kind=kind, lms_id=own, code=code, fields=fields)
