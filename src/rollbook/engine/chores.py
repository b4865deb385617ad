"""What the clock does beside the queue. Each chore may be done by several workers at once: none of it is done twice."""

from __future__ import annotations

from rollbook.engine.service import Chore
from rollbook.store.folder import DataFolder


def chores(folder: DataFolder) -> list[Chore]:
    return []
