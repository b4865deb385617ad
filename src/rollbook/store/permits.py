"""Approvals that a run may use."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q
from django.utils import timezone

from rollbook.core.protocols import Permit
from rollbook.store.lease import Lease
from rollbook.store.models import PermitRow, Run


class StoredPermits:
    """Implements `core.protocols.Permits` for the lease's organization."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def valid(self) -> Sequence[Permit]:
        alive = Q(until__isnull=True) | Q(until__gt=timezone.now())
        undone = Run.objects.filter(pk=self._lease.run).values_list("undo_of", flat=True).first()
        rows = PermitRow.objects.filter(alive, organization=self._lease.organization, used_at__isnull=True)
        rows = rows.filter(hold__run__undo_of=undone)  # an approval for a sync is none for an undo, nor the other way
        return [Permit(row.hold.hold, row.blob, row.until) for row in rows.select_related("hold").order_by("pk")]
