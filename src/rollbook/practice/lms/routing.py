"""Turns a path into a template with its ids; numeric ids only, external ids where the API takes them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

_CODES = (("users", "ext"), ("sections", "ext"), ("enrollments", "import", "course"))


@dataclass(frozen=True)
class Place:
    """`path` is without slashes at its ends, `template` the same with {id} and {code}."""

    path: str
    template: str
    ids: list[int]
    code: str


def resolve(raw_path: str) -> Place:
    """`raw_path` is what follows /v1, percent-encoded. Doubled and trailing slashes do not count."""
    parts = [part for part in raw_path.split("/") if part]
    if parts and parts[0] == "section":
        parts[0] = "sections"
    path = "/".join(parts)
    for start in _CODES:
        if tuple(parts[:-1]) == start:
            return Place(path, "/".join((*start, "{code}")), [], unquote(parts[-1]))
    ids = [int(part) for part in parts if part.isdecimal()]
    return Place(path, "/".join("{id}" if part.isdecimal() else part for part in parts), ids, "")
