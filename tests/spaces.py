"""Spaces that one test alone uses: they go with it, so that no other test of the process finds them among its own."""

from __future__ import annotations

import itertools
from typing import Final

from rollbook.connectors.memory.space import Space, forget, space

_NUMBER: Final = itertools.count()
_made: Final[list[str]] = []


def fresh_space(prefix: str) -> Space:
    """An empty space, with a name that nothing else of this process has."""
    _made.append(f"{prefix}-{next(_NUMBER)}")
    return space(_made[-1])


def forget_spaces() -> None:
    """At the end of a test."""
    while _made:
        forget(_made.pop())
