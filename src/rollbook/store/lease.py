"""Who may write for a run: a lease with an epoch. A takeover raises it, so a woken zombie writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from rollbook.errors import LeaseLost
from rollbook.store.locks import lock_organization
from rollbook.store.models import Run, RunState

#: How long a lease holds without renewal, in seconds.
LEASE_SECONDS = 30.0


@dataclass(frozen=True)
class Lease:
    """The right of `owner` (unique per process start) to work `run` while the row's epoch is `epoch`."""

    run: str
    organization: int
    epoch: int
    owner: str

    @contextmanager
    def writing(self) -> Iterator[Run]:
        """A transaction that commits only while this lease holds. Raises LeaseLost."""
        with transaction.atomic():
            run = Run.objects.select_for_update(no_key=True).filter(**self._mine()).first()
            if run is None:
                raise LeaseLost(f"run {self.run} was taken over by another worker")
            yield run

    def renew(self) -> bool:
        """Hold on for another LEASE_SECONDS; True when a person asked to cancel. Raises LeaseLost."""
        until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
        with self.writing() as run:
            Run.objects.filter(pk=self.run).update(lease_until=until)
            return run.cancel_requested

    def cancel_requested(self) -> bool:
        """Did a person ask to cancel? Reads only. Raises LeaseLost."""
        found = Run.objects.filter(**self._mine()).values_list("cancel_requested", flat=True).first()
        if found is None:
            raise LeaseLost(f"run {self.run} was taken over by another worker")
        return found

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
    organization = Run.objects.filter(pk=run_id).values_list("organization_id", flat=True).first()
    if organization is None:
        return None
    try:
        with transaction.atomic():
            lock_organization(organization)  # who approves a hold at this moment is before or after us, not both
            run = Run.objects.select_for_update(no_key=True).filter(pk=run_id, state=RunState.QUEUED).first()
            if run is None:
                return None
            run.state = RunState.RUNNING
            run.started_at = run.started_at or timezone.now()
            _take(run, owner)
            run.save()
    except IntegrityError:
        return None
    return _lease(run)


def take_over(run_id: str, owner: str) -> Lease | None:
    """Become the owner of a running run whose owner is known to be dead; None when it ended meanwhile."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).filter(pk=run_id, state=RunState.RUNNING).first()
        if run is None:
            return None
        _take(run, owner)
        run.save()
    return _lease(run)


def _take(run: Run, owner: str) -> None:
    run.lease_epoch += 1
    run.lease_owner = owner
    run.lease_until = timezone.now() + timedelta(seconds=LEASE_SECONDS)


def _lease(run: Run) -> Lease:
    return Lease(run=run.pk, organization=run.organization_id, epoch=run.lease_epoch, owner=run.lease_owner)
