"""What is shown of a person (user_get_user_details): hidden is whatever the token's user may not see."""

from __future__ import annotations

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
    if may("moodle/site:viewuseridentity") or (in_course and may("moodle/course:useremail")):
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


def _of_account(row: Row, known: Json, in_course: bool) -> Json:
    """What users_by_field shows of an account and the lists of a course do not."""
    if in_course:
        return {}
    return {
        "auth": row["auth"], "confirmed": True, "lang": known.get("lang", "en"), "theme": "",
        "mailformat": int(known.get("mailformat", 1)), "trackforums": 0,
    }  # fmt: skip
