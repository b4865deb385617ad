"""Who may write for a run: a lease with an epoch. A takeover raises it, so a woken zombie writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from rollbook.errors import LeaseLost
from rollbook.store.models import Run, RunState


@dataclass(frozen=True)
class Lease:
    """The right of `owner` (unique per process start) to work `run` while the row's epoch is `epoch`. It holds as long
    as the owner's heart beats (`store/workers.py`)."""

    run: str
    organization: int
    epoch: int
    owner: str

    @contextmanager
    def writing(self) -> Iterator[Run]:
        """A transaction that commits only while this lease holds. Raises LeaseLost."""
        with transaction.atomic():
            run = Run.objects.select_for_update().filter(**self._mine()).first()
            if run is None:
                raise LeaseLost(f"run {self.run} was taken over by another worker")
            yield run

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """As `writing`, without reading the run: for what is written a thousand times a run. Raises LeaseLost."""
        with transaction.atomic():
            mine = Run.objects.select_for_update().filter(**self._mine())
            if mine.values_list("pk", flat=True).first() is None:
                raise LeaseLost(f"run {self.run} was taken over by another worker")
            yield

    def holds(self) -> bool:
        """Does it, at this moment? Reads only."""
        return Run.objects.filter(**self._mine()).exists()

    def _mine(self) -> dict[str, object]:
        return {
            "pk": self.run,
            "lease_epoch": self.epoch,
            "lease_owner": self.owner,
            "state": RunState.RUNNING,
        }


def claim(run_id: str, owner: str) -> Lease | None:
    """Turn a queued run into a running one of `owner`; None when it is not queued any more or when the
    organization already has a running one."""
    return _claim(owner, pk=run_id)


def claim_next(owner: str, organization: int | None = None) -> Lease | None:
    """The oldest queued run (of this organization only, if one is given) whose organization has no running one, for
    `owner`; None when there is none."""
    return _claim(owner) if organization is None else _claim(owner, organization=organization)


def _claim(owner: str, **which: object) -> Lease | None:
    busy = Run.objects.filter(state=RunState.RUNNING).values("organization")
    try:
        with transaction.atomic():
            queued = Run.objects.filter(state=RunState.QUEUED, **which).exclude(organization__in=busy)
            run = queued.select_for_update(skip_locked=True).first()  # SQLite locks whole transactions instead
            if run is None:
                return None
            run.state = RunState.RUNNING
            run.started_at = run.started_at or timezone.now()
            run.lease_epoch += 1
            run.lease_owner = owner
            run.save(update_fields=["state", "started_at", "lease_epoch", "lease_owner"])
    except IntegrityError:  # another worker was faster with another run of this organization
        return None
    return Lease(run=run.pk, organization=run.organization_id, epoch=run.lease_epoch, owner=owner)
