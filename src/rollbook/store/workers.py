"""Who works the queue: one row a process, its heart beat, and what it left behind when it died."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from rollbook.store.lease import Lease
from rollbook.store.models import Run, RunState, WorkerRow
from rollbook.store.runs import requeue

_LATELY = timedelta(seconds=30)


def register(owner: str) -> None:
    """From now on this process may claim runs."""
    WorkerRow.objects.create(id=owner, host=socket.gethostname(), pid=os.getpid())


def unregister(owner: str) -> None:
    """What it still holds is free for others."""
    WorkerRow.objects.filter(pk=owner).delete()


def beat(owner: str) -> bool:
    """Show that this process lives; False when another one has taken it for dead."""
    return bool(WorkerRow.objects.filter(pk=owner).update(beat=F("beat") + 1, seen_at=timezone.now()))


def held_by(owner: str) -> dict[str, tuple[int, bool]]:
    """The runs of a worker: epoch, and whether a person asked to cancel."""
    rows = Run.objects.filter(state=RunState.RUNNING, lease_owner=owner)
    return {pk: (epoch, asked) for pk, epoch, asked in rows.values_list("pk", "lease_epoch", "cancel_requested")}


def show_progress(news: Mapping[Lease, Mapping[str, Any]]) -> set[Lease]:
    """Where the runs of these leases are, for people who look from elsewhere. Returns those that were written: the
    heart must never wait behind a long transaction of a run, or it would miss its beat."""
    with transaction.atomic():
        return {lease for lease, progress in news.items() if _show(lease, progress)}


def _show(lease: Lease, progress: Mapping[str, Any]) -> bool:
    mine = Run.objects.filter(pk=lease.run, lease_epoch=lease.epoch, lease_owner=lease.owner)
    free = mine.select_for_update(skip_locked=True, no_key=True).values("pk")
    return bool(Run.objects.filter(pk__in=free).update(progress=dict(progress)))


def beats(but: str) -> dict[str, tuple[int, float]]:
    """The other workers: beat, and how long their last call may still be under way (seconds)."""
    grace: dict[str, float] = {}
    running = Run.objects.filter(state=RunState.RUNNING).values_list("lease_owner", "lease_grace")
    for owner, seconds in running:
        grace[owner] = max(seconds, grace.get(owner, 0.0))
    rows = WorkerRow.objects.exclude(pk=but).values_list("pk", "beat")
    return {pk: (number, grace.get(pk, 0.0)) for pk, number in rows}


def bury(owner: str, last_beat: int) -> bool:
    """Take a worker for dead, unless its heart has beaten since; True for the one who did it."""
    return bool(WorkerRow.objects.filter(pk=owner, beat=last_beat).delete()[0])


def bury_others(but: str) -> None:
    """For the holder of the data folder's lock: whoever else is listed is dead."""
    WorkerRow.objects.exclude(pk=but).delete()


def requeue_orphans(owner: str, working: Collection[str]) -> list[str]:
    """Queue again what nobody works on: runs of buried workers, and our own that no thread of ours works (the database
    was away when they broke off). Returns their ids."""
    alive = WorkerRow.objects.values_list("pk", flat=True)
    running = Run.objects.filter(state=RunState.RUNNING)
    orphans = [*running.exclude(lease_owner__in=alive), *running.filter(lease_owner=owner).exclude(pk__in=working)]
    return [run.pk for run in orphans if _requeue(run)]


def _requeue(run: Run) -> bool:
    with transaction.atomic():
        # A frozen worker may have been in the middle of a transaction: nobody waits for it, a later look finds the run.
        found = (
            Run.objects.select_for_update(skip_locked=True)
            .filter(pk=run.pk, state=RunState.RUNNING, lease_epoch=run.lease_epoch, lease_owner=run.lease_owner)
            .first()
        )
        if found is not None:
            found.lease_epoch += 1
            requeue(found)
    return found is not None


def alive() -> int:
    """How many processes work the queue now, by their heart beats of the last half minute. For people and monitors;
    nobody is taken for dead by this."""
    return WorkerRow.objects.filter(seen_at__gt=timezone.now() - _LATELY).count()


def last_seen() -> dict[str, datetime]:
    """The last heart beat of each."""
    return dict(WorkerRow.objects.values_list("pk", "seen_at"))
