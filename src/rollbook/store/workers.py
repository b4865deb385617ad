"""Who works the queue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime


def alive() -> int | None:
    """How many processes work the queue now; None where that is not known."""
    return None


def last_seen() -> Mapping[str, datetime]:
    """The last heart beat of each."""
    return {}
