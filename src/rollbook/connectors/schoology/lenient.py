"""Reads what the LMS sends, whatever type it comes in. Pure and total: never raises, never guesses a value.

Ids, totals and 0/1 flags arrive as number or text, even in one object; "" and null both mean "not set"; a
list of one may be a bare object (Schoology REST API v1, conventions; the last seen by clients).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollbook.connectors.kit.lenient import Json, decimal, flag, mapping, number, optional, text

__all__ = [
    "Json",
    "all_ids",
    "decimal",
    "flag",
    "ident",
    "ids",
    "items",
    "listing",
    "mapping",
    "number",
    "optional",
    "text",
]


def ident(value: Any) -> str | None:
    """An id as text; 0 is no id."""
    found = text(value)
    return found if found not in {"", "0"} else None


def listing(value: Any) -> list[Any]:
    """A list, or a list of the one object that stands in its place."""
    if isinstance(value, list | tuple):
        return list(value)
    return [value] if isinstance(value, Mapping) and value else []


def items(body: Any, *path: str) -> list[Any] | None:
    """The list at the end of `path`; wrappers on the way may be missing. None where there is no such list.

    `items(body, "users", "user")` reads {"users": {"user": […]}}, {"user": […]}, {"user": {…}} and a bare
    list.
    """
    found, seen = body, isinstance(body, list)
    for name in path:
        if isinstance(found, Mapping) and name in found:
            found, seen = found[name], name == path[-1]
    if isinstance(found, list):
        return found
    return listing(found) if seen else None


def all_ids(value: Any) -> list[str] | None:
    """As `ids`, but None where one of them is missing: half a list of references is worse than none."""
    if isinstance(value, list | tuple) and any(ident(each) is None for each in value):
        return None
    return ids(value)


def ids(value: Any) -> list[str]:
    """A list, a comma list or one id, as texts without repeats, in order."""
    parts = value if isinstance(value, list | tuple) else text(value).split(",")
    return list(dict.fromkeys(found for part in parts if (found := ident(part))))
