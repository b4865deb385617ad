"""Finds the value of a dotted field path, such as roles.org.sourcedId, in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rollbook.practice.sis.model import METADATA, MODIFIED, SOURCED_ID, STATUS, Field, Kind, Row
from rollbook.practice.sis.render import Renderer, role_of_1_1

Getter = Callable[[Row], Any]

_ROLE_PARTS: dict[str, str] = {
    "roleType": "role_type", "role": "role", "org.sourcedId": "org", "userProfile": "profile",
    "beginDate": "begin", "endDate": "end",
}  # fmt: skip
_PAIR_PARTS = {"type": 0, "identifier": 1, "itemValueLHS": 0, "itemValueRHS": 1}
_SINGLE = frozenset({"text", "word", "date", "stamp", "number"})


class UnknownPath(ValueError):
    """The kind has no such field, or the path stops at an object instead of a value."""


def getter(renderer: Renderer, kind: Kind, path: str) -> tuple[Getter, str]:
    """A function from a row to the value (or values) at the path, and the form: text, date, stamp, number.

    Lists give tuples. Raises UnknownPath.
    """
    head, _, rest = path.partition(".")
    common = {
        "sourcedId": (SOURCED_ID, "text"),
        "status": (STATUS, "text"),
        "dateLastModified": (MODIFIED, "stamp"),
    }
    if head in common and not rest:
        position, form = common[head]
        return _cell(position), form
    if head == "metadata" and rest:
        return lambda row: _walk(row[METADATA], rest.split(".")), "text"
    if renderer.version == "1.1" and kind.plural == "users" and head in ("role", "orgs", "roles"):
        return _role_1_1(kind, path), "text"
    one = next((f for f in kind.shown(renderer.version) if f.name == head), None)
    if one is None:
        raise UnknownPath(path)
    if one.form in _SINGLE and not rest:
        form = one.form if one.form in ("date", "stamp", "number") else "text"
        return _cell(kind.at[head]), form
    return _of_form(renderer, kind, one, rest), "text"


def _cell(position: int) -> Getter:
    return lambda row: row[position]


def _of_form(renderer: Renderer, kind: Kind, one: Field, rest: str) -> Getter:
    position = kind.at.get(one.name, SOURCED_ID)
    if one.form == "flag" and not rest:
        return lambda row: None if row[position] is None else ("true" if row[position] else "false")
    if one.form == "list" and not rest:
        return lambda row: row[position] or ()
    if one.form in ("ref", "refs") and rest == "sourcedId":
        return _cell(position) if one.form == "ref" else lambda row: row[position] or ()
    if one.form == "roles" and rest in _ROLE_PARTS:
        part = _ROLE_PARTS[rest]
        return lambda row: tuple(getattr(role, part) for role in row[position] or ())
    if one.form in ("ids", "pairs") and rest in _PAIR_PARTS:
        index = _PAIR_PARTS[rest]
        return lambda row: tuple(pair[index] for pair in row[position] or ())
    if one.form in ("ref", "refs", "kids") and rest in ("sourcedId", "href", "type"):
        return _rendered(renderer, kind, f"{one.name}.{rest}")
    if one.form in ("profiles", "json") and rest:
        return _rendered(renderer, kind, f"{one.name}.{rest}")
    raise UnknownPath(one.name)


def _rendered(renderer: Renderer, kind: Kind, path: str) -> Getter:
    return lambda row: _walk(renderer.record(kind, row), path.split("."))


def _role_1_1(kind: Kind, path: str) -> Getter:
    position = kind.at["roles"]
    if path == "role":
        return lambda row: role_of_1_1(row[position] or ())
    if path == "orgs.sourcedId":
        return lambda row: tuple(role.org for role in row[position] or ())
    raise UnknownPath(path)


def _walk(value: Any, names: list[str]) -> Any:
    for name in names:
        if isinstance(value, list | tuple):
            value = tuple(_walk(item, [name]) for item in value)
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return tuple(value) if isinstance(value, list) else value
