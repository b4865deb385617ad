"""Reads what Moodle sends, whatever type it comes in, and writes forms as PHP reads them. Pure and total.

Numbers and flags may come as numbers, texts or booleans; lists whose keys have gaps come as objects (PHP's JSON).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rollbook.connectors.kit.lenient import Json, decimal, flag, mapping, number, optional, text

__all__ = ["Json", "decimal", "flag", "form", "ident", "listing", "mapping", "number", "optional", "text"]


def ident(value: Any) -> str | None:
    """A number of Moodle's database as text; 0 is none, nor is anything else."""
    found = text(value)
    return found if found.isascii() and found.isdecimal() and len(found) < 19 and found.strip("0") else None


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
