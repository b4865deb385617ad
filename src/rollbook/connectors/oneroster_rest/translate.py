"""OneRoster JSON records as rows of text, whatever shape real systems give them. Pure and total: never
raises."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rollbook.connectors.base import Row
from rollbook.connectors.oneroster_rest.ids import MissingEnvelope, NotJson, records_of
from rollbook.roster.oneroster import BOOLEAN, COLLECTIONS, DATE, LIST

#: Column (named as in CSV 1.2) to its names in REST records, the first that is there counts. A column that is
#: not named here has its own name. The last names are CSV's, which some providers send over REST too.
_NAMES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "orgs": {"parentSourcedId": ("parent", "parentSourcedId")},
    "academicSessions": {"parentSourcedId": ("parent", "parentSourcedId")},
    "courses": {
        "schoolYearSourcedId": ("schoolYear", "schoolYearSourcedId"),
        "orgSourcedId": ("org", "orgSourcedId"),
    },
    "classes": {
        "courseSourcedId": ("course", "courseSourcedId"),
        "schoolSourcedId": ("school", "schoolSourcedId"),
        "termSourcedIds": ("terms", "term", "termSourcedIds"),
        "periods": ("periods", "period"),
    },
    "users": {
        "orgSourcedIds": ("orgs", "orgSourcedIds"),
        "agentSourcedIds": ("agents", "agentSourcedIds"),
        "preferredGivenName": ("preferredFirstName", "preferredGivenName"),
        "preferredFamilyName": ("preferredLastName", "preferredFamilyName"),
        "primaryOrgSourcedId": ("primaryOrg", "primaryOrgSourcedId"),
    },
    "enrollments": {
        "classSourcedId": ("class", "classSourcedId"),
        "schoolSourcedId": ("school", "schoolSourcedId"),
        "userSourcedId": ("user", "student", "userSourcedId"),
    },
}
_TRUE: Final = frozenset({"true", "1", "yes", "t", "y"})
_FALSE: Final = frozenset({"false", "0", "no", "f", "n"})
_DATETIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ].*", re.DOTALL)

Value = str | None


def rows(collection: str, body: bytes, *, nested_roles: bool) -> Iterator[tuple[str, Row]]:
    """A page body as (collection, row) pairs. With `nested_roles` (OneRoster 1.2) a user's roles become rows
    of `roles`, also when the provider sends 1.1's `role` and `orgs`; without, nested roles become the user's
    `role` and `orgs`. A body that is no page has no rows; a record that is no object is a row without
    values."""
    try:
        records = records_of(collection, body)
    except (NotJson, MissingEnvelope):
        return
    read = _reader(collection)
    for record in records:
        if not isinstance(record, dict):
            record = {}
        row = read(record)
        if collection == "users":
            roles = list(_roles(record, row))
            if nested_roles:
                row = {**row, "role": None, "orgSourcedIds": None}
                yield collection, row
                yield from (("roles", role) for role in roles)
                continue
            if not row["role"] and roles:
                row = {**row, **_flat(roles)}
        yield collection, row


def _reader(collection: str) -> Callable[[dict[str, Any]], dict[str, Value]]:
    names = _NAMES.get(collection, {})
    plan = [
        (column, names.get(column, (column,)), _user_ids if column == "userIds" else _CONVERT.get(kind, text))
        for column, kind in COLLECTIONS[collection].columns.items()
    ]

    def read(record: dict[str, Any]) -> dict[str, Value]:
        row: dict[str, Value] = {}
        for column, keys, convert in plan:
            value = record.get(keys[0])
            if value is None and len(keys) > 1:
                value = next((record[key] for key in keys[1:] if record.get(key) is not None), None)
            # most values are plain texts
            row[column] = (value or None) if convert is text and type(value) is str else convert(value)
        return row

    return read


def text(value: Any) -> Value:
    """Any value as text: a reference is its sourcedId, a list its items joined by commas, null and "" are
    None."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, dict):
        own = value.get("sourcedId")
        return text(own) if isinstance(own, str | int) else _json(value)
    if isinstance(value, list):
        return items(value)
    return str(value)


def items(value: Any) -> Value:
    """A list, or what should have been one, as trimmed texts joined by commas; a comma inside an item would
    split it."""
    if isinstance(value, str):
        value = value.split(",")
    elif not isinstance(value, list):
        value = [value]
    parts = (_json(one) if isinstance(one, list) else text(one) for one in value)
    found = [part.replace(",", ";").strip() for part in parts if part is not None]
    return ",".join(part for part in found if part) or None


def flag(value: Any) -> Value:
    """Booleans in any form; what is none stays as it is."""
    found = text(value)
    word = (found or "").strip().lower()
    return "true" if word in _TRUE else "false" if word in _FALSE else found


def date(value: Any) -> Value:
    """A dateTime where a date belongs loses its time; the day is the one written, not that of another
    zone."""
    found = text(value)
    return found.strip()[:10] if found is not None and _DATETIME.fullmatch(found.strip()) else found


_CONVERT: Final[Mapping[str, Callable[[Any], Value]]] = {LIST: items, BOOLEAN: flag, DATE: date}


def _user_ids(value: Any) -> Value:
    """`{type:identifier}` pairs, as in CSV 1.2."""
    if not isinstance(value, list):
        return text(value)
    pairs = [
        f"{{{text(one.get('type')) or ''}:{text(one.get('identifier')) or ''}}}" if isinstance(one, dict) else text(one)
        for one in value
    ]
    return ",".join(pair for pair in pairs if pair) or None


def _roles(record: dict[str, Any], user: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
    """A user's roles: nested ones of 1.2, else one per org of 1.1's `role` and `orgs`."""
    nested = record.get("roles")
    if isinstance(nested, dict):
        nested = [nested]
    common = {"status": user["status"], "dateLastModified": user["dateLastModified"]}
    if isinstance(nested, list) and any(isinstance(one, dict) for one in nested):
        found = [
            (text(one.get("roleType")), text(one.get("role")), text(one.get("org")), one)
            for one in nested
            if isinstance(one, dict)
        ]
    else:
        role, orgs = user["role"], (user["orgSourcedIds"] or "").split(",")
        found = [("primary", role, org, {}) for org in orgs if role and org]
    for number, (kind, role, org, one) in enumerate(found):
        yield {
            "sourcedId": f"{user['sourcedId'] or ''}/{number}", **common, "userSourcedId": user["sourcedId"],
            "roleType": kind, "role": role, "beginDate": date(one.get("beginDate")),
            "endDate": date(one.get("endDate")), "orgSourcedId": org,
        }  # fmt: skip


def _flat(roles: list[dict[str, Value]]) -> dict[str, Value]:
    """1.1's one role and its orgs out of nested roles: that of the first primary role."""
    primary = [role for role in roles if (role["roleType"] or "").lower() == "primary"]
    role = (primary or roles)[0]["role"]
    orgs = [one["orgSourcedId"] for one in roles if one["role"] == role]
    return {"role": role, "orgSourcedIds": items(list(dict.fromkeys(orgs)))}


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "..."


def _whole(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to write integers of thousands of digits
        return hex(value)
