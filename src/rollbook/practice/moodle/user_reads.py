"""People are looked up (core_user_get_users_by_field, core_user_get_users)."""

from __future__ import annotations

from typing import Any, Final

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.params import Group, Many, Value
from rollbook.practice.moodle.store import Row, marks
from rollbook.practice.moodle.thrown import Thrown, bad_parameter, coding, no_record
from rollbook.practice.moodle.user_view import details, empty, valid

_FIELDS: Final = {"id": "int", "idnumber": "raw", "username": "username", "email": "trimmed"}
_EXACT: Final = {"id": "int", "idnumber": "raw", "username": "username", "auth": "auth"}
_LIKE: Final = {"email": "trimmed", "lastname": "notags", "firstname": "notags"}
_IN_ONE_QUERY = 500


def users_by_field(call: Call, given: Json) -> list[Json]:
    """Everybody with one of the values; who is not there is left out without a word."""
    field = given["field"]
    if field not in _FIELDS:
        raise coding(f"invalid field parameter The search field '{field}' is not supported")
    values: list[Any] = []
    for value in given["values"]:
        cleaned = call.site.cleaner.clean(_FIELDS[field], value)
        if str(cleaned) != value:
            raise bad_parameter(f"The field '{field}' value is invalid: {value}(cleaned value: {cleaned})")
        values.append(cleaned)
    rows = _by_values(call, field, values)
    if any(row["deleted"] for row in rows):
        raise no_record("user")
    shown = [details(call, row) for row in rows if call.site.may("moodle/user:viewdetails")]
    return call.page(valid(call, (each for each in shown if not empty(each.get(field)))))


def _by_values(call: Call, field: str, values: list[Any]) -> list[Row]:
    found: dict[int, Row] = {}
    for start in range(0, len(values), _IN_ONE_QUERY):
        part = values[start : start + _IN_ONE_QUERY]
        for row in call.site.store.all(f"SELECT * FROM users WHERE {field} IN ({marks(part)})", *part):
            found[row["id"]] = row
    return [found[key] for key in sorted(found)]


def users(call: Call, given: Json) -> Json:
    """Everybody who meets all criteria; a key that is not known becomes a warning and does not count."""
    where, values, keys, warnings = ["deleted = 0"], list[Any](), set[str](), list[Json]()
    for each in given["criteria"]:
        key = each["key"]
        if key in keys:
            raise Thrown("keyalreadyset", "error/keyalreadyset", debug=f"The key {key} can only be sent once")
        keys.add(key)
        if key in _EXACT:
            where.append(f"{key} = ?")
            values.append(call.site.cleaner.clean(_EXACT[key], each["value"]))
        elif key in _LIKE:
            where.append(f"{key} LIKE ?")
            values.append(call.site.cleaner.clean(_LIKE[key], each["value"]))
        else:
            keys.discard(key)
            message = f"The search key '{key}' is not supported, look at the web service documentation"
            warnings.append({"item": key, "warningcode": "invalidfieldparameter", "message": message})
    rows = call.site.store.all(f"SELECT * FROM users WHERE {' AND '.join(where)} ORDER BY id", *values)
    shown = [details(call, row) for row in rows if call.site.may("moodle/user:viewdetails")]
    fitting = [each for each in shown if not any(empty(each.get(key)) for key in keys)]
    return {"users": call.page(valid(call, fitting)), "warnings": warnings}


_CRITERIA: Final = Many(Group({"key": Value("alpha"), "value": Value("raw")}))
FUNCTIONS: Final = {
    "core_user_get_users_by_field": Function(
        users_by_field, Group({"field": Value("alpha"), "values": Many(Value("raw"))})
    ),
    "core_user_get_users": Function(users, Group({"criteria": _CRITERIA})),
}
