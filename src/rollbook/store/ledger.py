"""Which ledger version of an organization is current. The files themselves are blobs."""

from __future__ import annotations

from collections.abc import Mapping

from rollbook.core.protocols import LedgerVersion
from rollbook.errors import StalePlan
from rollbook.store.lease import Lease
from rollbook.store.models import LedgerVersionRow


def current_version(organization: int) -> LedgerVersion:
    """The current ledger of the organization with this primary key; number 0 when there is none yet."""
    row = LedgerVersionRow.objects.filter(organization=organization).order_by("-number").first()
    return LedgerVersion(0, {}) if row is None else LedgerVersion(row.number, dict(row.files))


class StoredLedger:
    """Implements `core.protocols.Ledger` for the lease's organization."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def current(self) -> LedgerVersion:
        return current_version(self._lease.organization)

    def advance(self, base: int, files: Mapping[str, str]) -> LedgerVersion:
        with self._lease.writing() as run:
            current = self.current()
            if current.number != base:
                raise StalePlan(f"the ledger moved on from version {base} to {current.number}")
            merged = {**current.files, **files}
            LedgerVersionRow.objects.create(
                organization=run.organization, number=base + 1, files=merged, run=run
            )
            if not run.settled:
                run.settled = True
                run.save(update_fields=["settled"])
        return LedgerVersion(base + 1, merged)
