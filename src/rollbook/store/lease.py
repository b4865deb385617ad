"""Who may write for a run: a lease with an epoch. A takeover raises it, so a woken zombie writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from rollbook.errors import LeaseLost
from rollbook.store.locks import lock_organization
from rollbook.store.models import Run, RunState

#: Runs that one look at the queue considers; when others have just taken all of them, the next look finds more.
_CANDIDATES = 16


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
            run = Run.objects.select_for_update(no_key=True).filter(**self._mine()).first()
            if run is None:
                raise LeaseLost(f"run {self.run} was taken over by another worker")
            yield run

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """As `writing`, without reading the run: for what is written a thousand times a run. Raises LeaseLost."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(*_fence(self, connection.vendor))
                if cursor.fetchone() is None:
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


@lru_cache(maxsize=64)
def _fence(lease: Lease, vendor: str) -> tuple[str, tuple[Any, ...]]:
    """The statement that finds the lease's run and keeps it from others, with its values. To put it together takes
    longer than to carry it out, and a run over thousands of sections does so ten thousand times."""
    mine = Run.objects.select_for_update(no_key=True).filter(**lease._mine()).order_by()
    found: tuple[str, tuple[Any, ...]] = mine.values_list("pk").query.sql_with_params()
    return found


def claim(run_id: str, owner: str) -> Lease | None:
    """Turn a queued run into a running one of `owner`; None when it is not queued any more or when the
    organization already has a running one."""
    organization = Run.objects.filter(pk=run_id).values_list("organization_id", flat=True).first()
    return None if organization is None else _claim(run_id, organization, owner, wait=True)


def claim_next(owner: str, organization: int | None = None) -> Lease | None:
    """The oldest queued run (of this organization only, if one is given) whose organization has no running one, for
    `owner`; None when there is none."""
    busy = Run.objects.filter(state=RunState.RUNNING).values("organization")
    queued = Run.objects.filter(state=RunState.QUEUED).exclude(organization__in=busy)
    if organization is not None:
        queued = queued.filter(organization=organization)
    for run_id, tenant in list(queued.values_list("pk", "organization_id")[:_CANDIDATES]):
        lease = _claim(run_id, tenant, owner, wait=False)
        if lease is not None:
            return lease
    return None


def _claim(run_id: str, organization: int, owner: str, *, wait: bool) -> Lease | None:
    """Organization first, then run, as everybody does. Without `wait`, an organization that somebody else is just
    dealing with is passed over."""
    try:
        with transaction.atomic():
            # Who approves a hold at this moment is before or after us, not both.
            if not lock_organization(organization, wait=wait):
                return None
            mine = Run.objects.select_for_update(no_key=True).filter(pk=run_id, state=RunState.QUEUED)
            run = mine.first()
            if run is None:
                return None
            run.state = RunState.RUNNING
            run.started_at = run.started_at or timezone.now()
            run.lease_epoch += 1
            run.lease_owner = owner
            run.save(update_fields=["state", "started_at", "lease_epoch", "lease_owner"])
    except IntegrityError:  # the organization has a running run
        return None
    return Lease(run=run_id, organization=organization, epoch=run.lease_epoch, owner=owner)
