"""What the token's account may not do, found out by calls that Moodle refuses whoever makes them: a function looks at
the right first, and then at what is asked for, which cannot be. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any, Final

from rollbook.connectors.kit import LostAnswer
from rollbook.connectors.moodle.client import LacksRight, MoodleClient, MoodleError
from rollbook.connectors.moodle.lenient import ident, listing, mapping, text
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.reading import Reader

#: Moodle's own account for guests, and the course that is the front page: nobody can be enrolled in it.
_GUEST, _FRONT_PAGE = "1", 1
#: No account has this id.
_NOBODY: Final = 2_147_483_647
#: Longer than an ID number may be.
_TOO_LONG: Final = "rollbook-connection-test-" * 5
_CATEGORIES, _ACCOUNTS, _ENROL = "core_course_get_categories", "core_user_get_users", "enrol_manual_enrol_users"
_NOT_ALLOWED, _NOT_ASSIGNABLE = "nopermissions", "wsusercannotassign"


def lacking(
    client: MoodleClient, reader: Reader, options: MoodleOptions, have: Set[str]
) -> tuple[list[str], list[str]]:
    """Capabilities, and short names of roles that the account may not assign. What cannot be found out with the
    functions that the service has is not told."""
    if not have >= {_CATEGORIES, _ACCOUNTS}:
        return [], []
    capabilities = [
        capability
        for capability, function, parameters in _refusable(reader, options)
        if function in have and _code(client, function, parameters) == _NOT_ALLOWED
    ]
    if not _shows_accounts(client):
        capabilities.append("moodle/user:viewalldetails")
    enrols = _ENROL in have and "enrol/manual:enrol" not in capabilities
    return capabilities, _not_assignable(client, reader, options) if enrols else []


def _refusable(reader: Reader, options: MoodleOptions) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Capability, function, and parameters with which it makes nothing even where it is allowed."""
    site = reader.site()
    own_name = {"username": text(site.get("username")), "firstname": "-", "lastname": "-", "password": "-"}
    taken = {**own_name, "email": f"{_NOBODY}@no-email.invalid"}  # by the account itself
    yield "moodle/user:create", "core_user_create_users", {"users": [taken]}
    yield "moodle/user:update", "core_user_update_users", {"users": [{"id": _NOBODY}]}
    nameless = {"name": "", "idnumber": _TOO_LONG, "parent": options.root_category}
    yield "moodle/category:manage", "core_course_create_categories", {"categories": [nameless]}
    place = options.root_category or next((own for each in reader.categories() if (own := ident(each.get("id")))), 0)
    if place:
        backwards = {"fullname": "", "shortname": "", "categoryid": place, "startdate": 2, "enddate": 1}
        yield "moodle/course:create", "core_course_create_courses", {"courses": [backwards]}
    enrolment = {"courseid": _FRONT_PAGE, "userid": reader.own_id(), "roleid": options.student_role_id}
    yield "enrol/manual:enrol", _ENROL, {"enrolments": [enrolment]}


def _not_assignable(client: MoodleClient, reader: Reader, options: MoodleOptions) -> list[str]:
    roles = {
        options.student_role: options.student_role_id,
        options.teacher_role: options.teacher_role_id,
        options.assistant_role: options.assistant_role_id,
    }

    def may_not(role: int) -> bool:
        one = {"courseid": _FRONT_PAGE, "userid": reader.own_id(), "roleid": role}
        return _code(client, _ENROL, {"enrolments": [one]}) == _NOT_ASSIGNABLE

    return [name for name, role in roles.items() if name and may_not(role)]


def _shows_accounts(client: MoodleClient) -> bool:
    """False where another's account is shown without its username."""
    criteria = [{"key": "id", "value": _GUEST}]
    try:
        answer = client.read(_ACCOUNTS, "an account", criteria=criteria)
    except MoodleError:
        return True
    return all("username" in each for each in listing(mapping(answer).get("users")))


def _code(client: MoodleClient, function: str, parameters: dict[str, Any]) -> str:
    """The error code of a call; "" for none, and for an answer that got lost."""
    try:
        client.write(function, "what the token's account may do", **parameters)
    except LacksRight:
        return _NOT_ALLOWED
    except MoodleError as error:
        return error.code
    except LostAnswer:
        return ""
    return ""
