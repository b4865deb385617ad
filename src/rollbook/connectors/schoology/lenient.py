"""Reads what the LMS sends, whatever type it comes in. Pure and total: never raises, never guesses a value.

Ids, totals and 0/1 flags arrive as number or text, even in one object; "" and null both mean "not set"; a
list of one may be a bare object (Schoology REST API v1, conventions; the last seen by clients).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def text(value: Any) -> str:
    """A scalar as trimmed text; "" for null, lists and objects. Whole floats lose their ".0"."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):  # half a surrogate pair can stand in no JSON
        return value.strip().encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**18) else ""


def optional(value: Any) -> str | None:
    """As `text`, None where nothing is set."""
    return text(value) or None


def ident(value: Any) -> str | None:
    """An id as text; 0 is no id."""
    found = text(value)
    return found if found not in {"", "0"} else None


def number(value: Any) -> int | None:
    """A whole number, or None."""
    found = text(value)
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 19 else None


def decimal(value: Any) -> float | None:
    """A number with or without a fraction, or None. A flag is no number."""
    found = "" if isinstance(value, bool) else text(value)
    try:
        number = float(found) if found.isascii() and len(found) < 40 else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def flag(value: Any) -> bool:
    return text(value).lower() in {"1", "true", "yes"}


def mapping(value: Any) -> Json:
    """An object, or an empty one."""
    return {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {}


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
