"""What the clock does beside the queue. Each chore may be done by several workers at once: none of it is done twice."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from rollbook.actions.schedule import queue_due
from rollbook.actions.upkeep import collect_garbage
from rollbook.engine.for_pages import prepare_lists
from rollbook.engine.notices import deliver_due
from rollbook.engine.passwords import send_asked
from rollbook.engine.service import Chore
from rollbook.engine.teachers import look_for_teachers
from rollbook.engine.uploads import check_uploads
from rollbook.store.folder import DataFolder

#: Plans and findings of settled runs are kept so long (days): the window in which a run can be undone.
KEPT_DAYS: Final = 30


def chores(folder: DataFolder) -> list[Chore]:
    """Due runs every five seconds, notices and passwords too; teachers and uploads at once, while their people watch;
    lists each minute, garbage daily."""
    return [
        Chore("schedule", 5.0, lambda: queue_due(now=timezone.now())),
        Chore("notices", 5.0, lambda: deliver_due(folder, timezone.now())),
        Chore("passwords", 5.0, lambda: send_asked(folder)),
        Chore("teachers", 1.0, lambda: look_for_teachers(folder)),
        Chore("uploads", 0.5, check_uploads),
        Chore("lists", 60.0, lambda: prepare_lists(folder)),
        Chore("garbage", 24 * 3600.0, lambda: collect_garbage(by="the clock", days=KEPT_DAYS)),
    ]
