"""What the clock does: queue the runs that are due. And what it will do next. Works no run."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.utils import timezone

from rollbook.actions.actors import SCHEDULE
from rollbook.actions.blackout import only_plans
from rollbook.actions.organizations import current_settings, find_organization
from rollbook.actions.runs import queue_run
from rollbook.actions.schedule_memory import lock
from rollbook.errors import RollbookError
from rollbook.roster.grades import GRADE_KINDS
from rollbook.roster.lms import KINDS
from rollbook.roster.schedule import Clock, Start, grade_schedule
from rollbook.roster.schedule_words import SAVED, Outlook, iso, outlook, outlook_summary
from rollbook.roster.settings import Settings
from rollbook.roster.wall_clock import time_zone
from rollbook.store.audit import audit
from rollbook.store.models import Organization, QueuedSlot, River, Run, RunState, ScheduleRow

log = logging.getLogger(__name__)
_TROUBLE_WAITS = timedelta(minutes=10)
#: Clocks of several machines may differ by so much before one of them counts as set back.
_SKEW = timedelta(minutes=1)


def queue_due(*, now: datetime) -> list[Run]:
    """Queue a sync, of rosters or of grades, for every organization whose window has begun, each start once; on a
    blackout day it only plans.

    Cheap when nothing is due: one query. Safe from several processes at the same instant, and when the clock was set
    back. Returns the runs that serve a start now, newly queued or equal ones that were queued already. An organization
    with trouble does not keep the others from their runs. Raises what the database raises.
    """
    # A row reckoned in the future: the clock was set back, so what it says about time is worth nothing.
    look = ScheduleRow.objects.filter(Q(look_at__lte=now) | Q(reckoned_at__gt=now + _SKEW))
    found = []
    for organization in list(look.values_list("organization_id", flat=True)):
        try:
            found += _look(organization, now)
        except IntegrityError:
            log.info("another process queued the scheduled run of organization %s", organization)
        except ObjectDoesNotExist:
            log.info("organization %s is gone", organization)
        except RollbookError as error:
            log.warning("the schedule of organization %s waits: %s", organization, error)
            ScheduleRow.objects.filter(pk=organization).update(look_at=now + _TROUBLE_WAITS, reckoned_at=now)
    return found


def _look(organization: int, now: datetime) -> list[Run]:
    with transaction.atomic():
        locked = lock(organization)
        row = ScheduleRow.objects.get(organization=locked)
        if row.since > now + _SKEW:  # a reset in the future never happened; the grace period begins now
            row.since = now
        if row.grades_since is not None and row.grades_since > now + _SKEW:
            row.grades_since = now
        _, settings = current_settings(locked)
        runs: list[Run] = []
        following: list[datetime] = []
        for river in River:
            due = _clock(row, settings, now, river).due_start(now)
            runs += [_serve(locked, due, now, river)] if due is not None else []
            coming = _clock(row, settings, now, river).next_start(not_before=now)
            following += [coming.at] if coming is not None else []
        row.look_at, row.reckoned_at = min(following, default=None), now
        row.save()
        return runs


def _clock(row: ScheduleRow, settings: Settings, now: datetime, river: River) -> Clock:
    """The pure schedule of a river with what is remembered. Slots later than now are there when the clock was set
    back."""
    slots = QueuedSlot.objects.filter(organization=row.organization_id, river=river)
    grades = river == River.GRADES
    return Clock(
        schedule=grade_schedule(settings) if grades else settings.schedule,
        zone=time_zone(settings.organization.timezone),
        since=row.grades_since if grades and row.grades_since is not None else row.since,
        after=slots.filter(slot__lte=now).aggregate(last=Max("slot"))["last"],
        taken=set(slots.filter(slot__gt=now).values_list("slot", flat=True)),
    )


def _serve(organization: Organization, start: Start, now: datetime, river: River) -> Run:
    """The run of a start: a new one, or one that does the same and waits already. Of grades, one of all sections that
    somebody asked for does for those whose map is done, too."""
    wanted: dict[str, Any] = {"schools": [], "sections": [], "items": [], "dry_run": False, "compare_live": False}
    wanted |= {"retry_refused": False, "despite_blackout": False, "preview_year": "", "river": river}
    wanted |= {"kinds": list(GRADE_KINDS if river == River.GRADES else KINDS)}
    traits = only_plans(organization, wanted, now)
    same = Run.objects.filter(organization=organization, state=RunState.QUEUED, lease_epoch=0, **traits)
    run = same.filter(applies__isnull=True, undo_of__isnull=True).first()
    what = "scheduled grades" if river == River.GRADES else "scheduled"
    if run is None:
        traits["only_mapped"] = river == River.GRADES
        run = queue_run(organization, f"{what} plan" if traits["dry_run"] else f"{what} sync", SCHEDULE, **traits)
    else:
        audit(by=SCHEDULE, action=f"join {what} sync", organization=organization.slug, subject=run.pk)
    QueuedSlot.objects.create(organization=organization, river=river, slot=start.at, run=run, queued_at=now)
    return run


@dataclass(frozen=True, kw_only=True)
class ShownSchedule:
    """The schedules of an organization, of rosters and of grades, as seen at a moment."""

    organization: Organization
    clock: Clock
    outlook: Outlook
    grades_clock: Clock
    grades: Outlook


def show_schedule(*, org: str, at: datetime | None = None) -> ShownSchedule:
    """What comes next and why; changes nothing. With `at`, as it will be at that moment if nothing happens until then.
    Raises ConfigError."""
    organization = find_organization(org)
    version, settings = current_settings(organization)
    now = timezone.now()
    row = ScheduleRow.objects.filter(organization=organization).first()
    row = row or ScheduleRow(organization=organization, since=version.saved_at, cause=SAVED)
    clocks = {river: _clock(row, settings, now, river) for river in River}
    causes = {River.ROSTER: row.cause, River.GRADES: row.grades_cause or row.cause}
    when = {"at": now} if at is None else {"not_before": at}
    seen = {river: outlook(clock, cause=causes[river], **when) for river, clock in clocks.items()}
    return ShownSchedule(
        organization=organization,
        clock=clocks[River.ROSTER],
        outlook=seen[River.ROSTER],
        grades_clock=clocks[River.GRADES],
        grades=seen[River.GRADES],
    )


def schedule_summary(shown: ShownSchedule) -> dict[str, Any]:
    """What comes next and why, in the shape of docs/reference/schemas/schedule-show.json."""
    own = _summary(shown.clock, shown.outlook)
    return {"org": shown.organization.slug, **own, "grades": _summary(shown.grades_clock, shown.grades)}


def _summary(clock: Clock, seen: Outlook) -> dict[str, Any]:
    return {
        **outlook_summary(clock, seen),
        "mode": clock.schedule.mode,
        "every": clock.schedule.every,
        "window": clock.schedule.window,
        "overdue": seen.overdue,
        "sends": seen.sends,
        "next_sending": iso(seen.sending.local if seen.sending is not None else None),
        "last_queued": iso(clock.after.astimezone(clock.zone) if clock.after is not None else None),
    }
