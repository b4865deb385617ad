"""What begins the grace period of a schedule, written down at the moment it happens. Reckons and queues nothing.

Every function takes the organization's row first. So a reset, a saved schedule and the clock wait for each other, and
always in the same order.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from rollbook.actions.blackout import blackout_today
from rollbook.actions.organizations import latest_version
from rollbook.roster.schedule import timing
from rollbook.roster.schedule_words import SAVED
from rollbook.roster.settings import Settings
from rollbook.roster.settings import parse as parse_settings
from rollbook.store.models import Organization, ScheduleRow


def note_manual(organization: Organization, cause: str, *, dry_run: bool, despite: bool = False) -> None:
    """Somebody asked for a roster run or an undo at this moment: the grace period begins, whatever becomes of the run.
    Not for one that only plans. Call it before the run's row is made."""
    version, now = latest_version(lock(organization.pk)), timezone.now()
    if dry_run or version is None:
        return
    if despite or not blackout_today(parse_settings(version.document), now):
        _reset(organization, cause, now)


def note_settings(organization: Organization, old: Settings | None, new: Settings) -> None:
    """Settings were saved: a schedule with another timing begins with a grace period, any other change does not."""
    mine, now = ScheduleRow.objects.filter(organization=lock(organization.pk)), timezone.now()
    if old is None or timing(old) != timing(new) or not mine.exists():
        _reset(organization, SAVED, now)
    else:
        mine.update(look_at=now, reckoned_at=now)


def lock(organization: int) -> Organization:
    """The organization, nobody else's until this transaction ends."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization)


def _reset(organization: Organization, cause: str, now: datetime) -> None:
    """The clock looks at once at what this changes."""
    known = {"since": now, "cause": cause, "look_at": now, "reckoned_at": now}
    ScheduleRow.objects.update_or_create(organization=organization, defaults=known)
