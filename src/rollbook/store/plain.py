"""Texts as both databases take them: PostgreSQL has no NUL letter, and what other systems say may have one."""

from __future__ import annotations

from typing import TypeVar, cast

T = TypeVar("T")


def without_nul(value: T) -> T:
    """The same text, list or mapping without NUL letters in any of its texts."""
    if isinstance(value, str):
        return cast(T, value.replace("\0", ""))
    if isinstance(value, list):
        return cast(T, [without_nul(one) for one in value])
    if isinstance(value, dict):
        return cast(T, {without_nul(key): without_nul(one) for key, one in value.items()})
    return value
