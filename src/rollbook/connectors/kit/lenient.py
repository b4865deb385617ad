"""Reads values that come in whatever type: numbers as texts, flags as numbers. Pure and total: never raises, never
guesses a value. What is special about one LMS stands in its connector."""

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
    if isinstance(value, str):  # half a surrogate pair can stand in no JSON and no form
        return value.strip().encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**18) else ""


def optional(value: Any) -> str | None:
    """As `text`, None where nothing is set."""
    return text(value) or None


def number(value: Any) -> int | None:
    """A whole number, or None."""
    found = text(value)
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 19 else None


def decimal(value: Any) -> float | None:
    """A number with or without a fraction, or None. A flag is no number."""
    found = "" if isinstance(value, bool) else text(value)
    try:
        parsed = float(found) if found.isascii() and "_" not in found and len(found) < 40 else math.nan
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def flag(value: Any) -> bool:
    return text(value).lower() in {"1", "true", "yes"}


def mapping(value: Any) -> Json:
    """An object, or an empty one."""
    return {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {}
