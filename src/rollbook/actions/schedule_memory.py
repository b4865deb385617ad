"""What begins the grace period of a schedule, written down at the moment it happens. Reckons and queues nothing.

Every function takes the organization's row first. So a reset, a saved schedule and the clock wait for each other, and
always in the same order.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.utils import timezone

from rollbook.actions.blackout import blackout_today
from rollbook.actions.organizations import latest_version
from rollbook.roster.schedule import Timing, timing
from rollbook.roster.schedule_words import SAVED
from rollbook.roster.settings import Settings
from rollbook.roster.settings import parse as parse_settings
from rollbook.store.models import Organization, River, ScheduleRow


def note_manual(
    organization: Organization, cause: str, *, dry_run: bool, despite: bool = False, river: River = River.ROSTER
) -> None:
    """Somebody asked for a run of everything or an undo at this moment: the grace period of this river begins, whatever
    becomes of the run. Not for one that only plans. Call it before the run's row is made."""
    version, now = latest_version(lock(organization.pk)), timezone.now()
    if dry_run or version is None:
        return
    if despite or not blackout_today(parse_settings(version.document), now):
        _reset(organization, cause, now, {river})


def note_settings(organization: Organization, old: Settings | None, new: Settings) -> None:
    """Settings were saved: a schedule with another timing begins with a grace period, any other change does not."""
    mine, now = ScheduleRow.objects.filter(organization=lock(organization.pk)), timezone.now()
    if old is None or not mine.exists():
        changed = set(River)
    else:
        changed = {river for river in River if _timing(old, river) != _timing(new, river)}
    _reset(organization, SAVED, now, changed)


def lock(organization: int) -> Organization:
    """The organization, nobody else's until this transaction ends."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization)


def _timing(settings: Settings, river: River) -> Timing:
    return timing(settings, grades=river == River.GRADES)


def _reset(organization: Organization, cause: str, now: datetime, rivers: Collection[River]) -> None:
    """The clock looks at once at what this changes."""
    known: dict[str, Any] = {"look_at": now, "reckoned_at": now}
    if River.ROSTER in rivers:
        known |= {"since": now, "cause": cause}
    if River.GRADES in rivers:
        known |= {"grades_since": now, "grades_cause": cause}
    new = {"since": now, "cause": cause} | known
    ScheduleRow.objects.update_or_create(organization=organization, defaults=known, create_defaults=new)
