"""Reads what Moodle sends, whatever type it comes in, and writes forms as PHP reads them. Pure and total.

Numbers and flags may come as numbers, texts or booleans; lists whose keys have gaps come as objects (PHP's JSON).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def text(value: Any) -> str:
    """A scalar as trimmed text; "" for null, lists and objects."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):  # half a surrogate pair can stand in no form
        return value.strip().encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**18) else ""


def optional(value: Any) -> str | None:
    """As `text`, None where nothing is set."""
    return text(value) or None


def ident(value: Any) -> str | None:
    """A number of Moodle's database as text; 0 is none, nor is anything else."""
    found = text(value)
    return found if found.isascii() and found.isdecimal() and len(found) < 19 and found.strip("0") else None


def number(value: Any) -> int | None:
    """A whole number, or None."""
    found = text(value)
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 19 else None


def decimal(value: Any) -> float | None:
    """A number with or without a fraction, or None. A flag is no number."""
    found = "" if isinstance(value, bool) else text(value)
    try:
        parsed = float(found) if found.isascii() and len(found) < 40 else math.nan
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def flag(value: Any) -> bool:
    return text(value).lower() in {"1", "true", "yes"}


def mapping(value: Any) -> Json:
    """An object, or an empty one."""
    return {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {}


def listing(value: Any) -> list[Json]:
    """The objects of a list; a list with gaps comes as an object."""
    found = list(value.values()) if isinstance(value, Mapping) else value
    return [mapping(each) for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []


def form(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested lists and objects as form fields: {"users": [{"id": 7}]} is users[0][id]=7. None is left out."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from form(each, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, each in enumerate(value):
            yield from form(each, f"{name}[{place}]")
    elif value is not None:
        yield name, str(int(value)) if isinstance(value, bool) else str(value)
