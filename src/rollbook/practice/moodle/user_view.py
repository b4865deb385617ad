"""What is shown of a person (user_get_user_details): hidden is whatever the token's user may not see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from rollbook.practice.moodle.call import Call, Json
from rollbook.practice.moodle.store import Row
from rollbook.practice.moodle.thrown import Thrown

_EXTRA: Final = (
    "address",
    "phone1",
    "phone2",
    "institution",
    "interests",
    "city",
    "country",
    "timezone",
    "description",
)
_INITIALS: Final = (5, 1)
_TO_EVERYBODY: Final = 1
_INVALID: Final = "Invalid response value detected"
_CHECKED: Final = {
    "username": "username", "firstname": "notags", "lastname": "notags", "email": "trimmed", "auth": "auth",
    "city": "notags", "country": "alpha",
}  # fmt: skip
_FOR_ADMINS: Final = ("lang", "theme", "mailformat")
FIELDS: Final = {
    "id", "username", "fullname", "firstname", "lastname", "email", "department", "firstaccess", "lastaccess", "auth",
    "confirmed", "idnumber", "suspended", "customfields", "groups", "roles", "preferences", "enrolledcourses",
    "lastcourseaccess", "descriptionformat", "profileimageurl", "profileimageurlsmall", "trackforums",
    *_EXTRA, *_FOR_ADMINS,
}  # fmt: skip


def check_fields(fields: set[str]) -> None:
    """Raises Thrown for a name that is no field of a person."""
    for name in sorted(fields - FIELDS - {"initials"}):
        raise Thrown("invaliduserfield", f"Invalid user field: {name}")


def empty(value: object) -> bool:
    """PHP's empty(): the text "0" is empty, too."""
    return value in (None, "", "0", 0, False)


def details(call: Call, row: Row, fields: set[str] | None = None, *, in_course: bool = False) -> Json:
    """The shown fields; `fields` None or empty: all. Id and full name always stand there."""
    may = call.site.may
    known = msgspec.json.decode(row["fields"])
    found: Json = {
        "id": row["id"], "fullname": f"{row['firstname']} {row['lastname']}",
        "firstname": row["firstname"], "lastname": row["lastname"],
        "profileimageurlsmall": f"{call.base}/theme/image.php/boost/core/1/u/f2",
        "profileimageurl": f"{call.base}/theme/image.php/boost/core/1/u/f1",
        "department": known.get("department", ""), "firstaccess": 0, "lastaccess": 0,
    }  # fmt: skip
    found.update({name: known[name] for name in _EXTRA if not empty(known.get(name))})
    if in_course:
        found["lastcourseaccess"] = 0
    else:
        found["suspended"] = bool(row["suspended"])
    if _email_seen(call, known, in_course):
        found["email"] = row["email"]
    if may("moodle/user:viewalldetails"):
        found |= {"username": row["username"]} | _of_account(row, known, in_course)
        if not empty(row["idnumber"]):
            found["idnumber"] = row["idnumber"]
    if call.site.settings.release() >= _INITIALS and (not fields or "initials" in fields):
        found["initials"] = f"{row['firstname'][:1]}{row['lastname'][:1]}"
    if fields:
        return {name: value for name, value in found.items() if name in fields | {"id", "fullname"}}
    return found


def _email_seen(call: Call, known: Json, in_course: bool) -> bool:
    """By the setting of the site which fields identify people, or because the person shows it to everybody."""
    may = call.site.may
    by_all = may("moodle/site:viewuseridentity") and "email" in call.site.settings.identity_fields
    return by_all or known.get("maildisplay") == _TO_EVERYBODY or (in_course and may("moodle/course:useremail"))


def valid(call: Call, shown: Iterable[Json]) -> list[Json]:
    """The people, if each has values that Moodle takes for valid (external_api::clean_returnvalue). Raises Thrown for
    the whole answer because of one who was made by older rules, or whose sign-in plugin is not installed any more."""
    clean = call.site.cleaner.clean
    found = list(shown)
    for each in found:
        for name, kind in _CHECKED.items():
            value = each.get(name, "")
            if value != clean(kind, value):
                text = f'Invalid external api response: the value of "{name}" is not of the type "{kind}"'
                raise Thrown("invalidresponse", _INVALID, kind="invalid_response_exception", debug=text)
    return found


def _of_account(row: Row, known: Json, in_course: bool) -> Json:
    """What users_by_field shows of an account and the lists of a course do not."""
    if in_course:
        return {}
    return {
        "auth": row["auth"], "confirmed": True, "lang": known.get("lang", "en"), "theme": "",
        "mailformat": int(known.get("mailformat", 1)), "trackforums": 0,
    }  # fmt: skip
