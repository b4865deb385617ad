"""Which shapes msgspec may read. It never reads anything itself.

msgspec looks at the fields of a Struct when it is first to read one, and a second thread that comes meanwhile takes
half-known fields for known: the process dies of it (seen when the chores of a starting worker read their settings at
the same moment). So shapes are learned here, one after the other, before anything is read.
"""

from __future__ import annotations

import threading
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_lock: Final = threading.Lock()
_known: Final[set[Any]] = set()


def learned(shape: type[T]) -> type[T]:
    """The same shape, once msgspec knows all of its fields. Every `convert`, `decode` and `Decoder` of a Struct takes
    its shape from here."""
    if shape not in _known:
        with _lock:
            msgspec.json.Decoder(shape)
            _known.add(shape)
    return shape
