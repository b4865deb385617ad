"""Approvals that a run may use."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q
from django.utils import timezone

from rollbook.core.protocols import Permit
from rollbook.store.lease import Lease
from rollbook.store.models import PermitRow, Run


def of_year(run: Run) -> Q:
    """Permits that this run may use: what was approved beforehand for another active year is none for this one."""
    year = run.preview_year or (run.settings.document.get("active_year") if run.settings else None) or ""
    return Q(hold__run__preview_year__in=["", year])


class StoredPermits:
    """Implements `core.protocols.Permits` for the lease's organization."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def valid(self) -> Sequence[Permit]:
        alive = Q(until__isnull=True) | Q(until__gt=timezone.now())
        undone = Run.objects.filter(pk=self._lease.run).values_list("undo_of", flat=True).first()
        rows = PermitRow.objects.filter(alive, organization=self._lease.organization, used_at__isnull=True)
        rows = rows.filter(hold__run__undo_of=undone)  # an approval for a sync is none for an undo, nor the other way
        rows = rows.filter(of_year(Run.objects.select_related("settings").get(pk=self._lease.run)))
        return [Permit(row.hold.hold, row.blob, row.until) for row in rows.select_related("hold").order_by("pk")]
