"""How PHP reads the variables of a request: nested arrays by brackets, and silently no more than a set number."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

_KEY = re.compile(r"\[([^\]]*)\]")
Arrays = dict[str, Any]


def variables(text: str, most: int) -> Arrays:
    """What a query or a form body holds, at most `most` variables of it (PHP's max_input_vars).

    The rest is dropped without a word, as PHP does: what is told is a warning in the server's log.
    """
    found: Arrays = {}
    for number, pair in enumerate(part for part in text.split("&") if part):
        if number >= most:
            break
        name, _, value = pair.partition("=")
        _store(found, _decoded(name), _decoded(value))
    return found


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def _store(found: Arrays, name: str, value: str) -> None:
    """`a[b][c]=v`; `a[]=v` takes the next number. A plain name that comes twice keeps its last value."""
    first, bracket, _ = name.partition("[")
    path = [first.strip().replace(".", "_").replace(" ", "_")]
    if bracket:
        path += _KEY.findall(name[len(first) :])
    place = found
    for step in path[:-1]:
        key = step or _next(place)
        inner = place.get(key)
        if not isinstance(inner, dict):
            inner = place[key] = {}
        place = inner
    place[path[-1] or _next(place)] = value


def _next(place: Arrays) -> str:
    return str(max((int(key) for key in place if key.isdecimal()), default=-1) + 1)
