"""Which ledger version of an organization is current. The files themselves are blobs."""

from __future__ import annotations

from collections.abc import Mapping

from rollbook.core.protocols import LedgerVersion
from rollbook.errors import StalePlan
from rollbook.store.lease import Lease
from rollbook.store.models import LedgerVersionRow, Run


def current_version(organization: int) -> LedgerVersion:
    """The current ledger of the organization with this primary key; number 0 when there is none yet."""
    row = LedgerVersionRow.objects.filter(organization=organization).order_by("-number").first()
    return LedgerVersion(0, {}) if row is None else LedgerVersion(row.number, dict(row.files))


class StoredLedger:
    """Implements `core.protocols.Ledger` for the lease's organization; a new version settles `run`."""

    def __init__(self, lease: Lease, run: str | None = None) -> None:
        self._lease = lease
        self._run = run or lease.run

    def current(self) -> LedgerVersion:
        return current_version(self._lease.organization)

    def advance(self, base: int, files: Mapping[str, str]) -> LedgerVersion:
        with self._lease.writing():
            current = self.current()
            if current.number != base:
                raise StalePlan(f"the ledger moved on from version {base} to {current.number}")
            merged = {**current.files, **files}
            LedgerVersionRow.objects.create(
                organization_id=self._lease.organization, number=base + 1, files=merged, run_id=self._run
            )
            Run.objects.filter(pk=self._run).update(settled=True)
        return LedgerVersion(base + 1, merged)

    def advanced(self) -> bool:
        newest = LedgerVersionRow.objects.filter(organization=self._lease.organization).order_by("-number").first()
        return newest is not None and newest.run_id == self._run
