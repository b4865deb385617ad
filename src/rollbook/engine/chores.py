"""What the clock does beside the queue. Each chore may be done by several workers at once: none of it is done twice."""

from __future__ import annotations

from django.utils import timezone

from rollbook.actions.schedule import queue_due
from rollbook.engine.service import Chore
from rollbook.store.folder import DataFolder


def chores(folder: DataFolder) -> list[Chore]:
    return [Chore("schedule", 5.0, lambda: queue_due(now=timezone.now()))]
