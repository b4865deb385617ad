"""Facts and refusals of an organization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from rollbook.core.protocols import Refusal
from rollbook.store.lease import Lease
from rollbook.store.models import FactRow, RefusalRow
from rollbook.store.plain import without_nul

#: The run whose refusals were counted last.
COUNTED: Final = "refusals_counted"


class StoredMemory:
    """Implements `core.protocols.Memory` for the lease's organization."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def refusals(self) -> Iterable[Refusal]:
        for row in RefusalRow.objects.filter(organization=self._lease.organization).iterator():
            yield Refusal(row.kind, row.key, row.digest, row.message, row.runs, row.first, row.retry_from, row.section)

    def replace_refusals(self, kinds: Sequence[str], refusals: Iterable[Refusal], *, run: str = "") -> None:
        rows = (
            RefusalRow(
                organization_id=self._lease.organization,
                kind=one.kind,
                key=one.key,
                digest=one.digest,
                message=without_nul(one.message),
                runs=one.runs,
                first=one.first,
                retry_from=one.retry_from,
                section=one.section,
            )
            for one in list(refusals)  # they may be read from the rows that go now
        )
        with self._lease.writing():
            if run and not self._first_time(run):
                return
            RefusalRow.objects.filter(organization=self._lease.organization, kind__in=list(kinds)).delete()
            while some := list(islice(rows, 1000)):
                RefusalRow.objects.bulk_create(some)

    def _first_time(self, run: str) -> bool:
        mine = FactRow.objects.filter(organization=self._lease.organization, name=COUNTED)
        if mine.filter(value=run).exists():
            return False
        FactRow.objects.update_or_create(
            organization_id=self._lease.organization, name=COUNTED, defaults={"value": run}
        )
        return True

    def facts(self) -> Mapping[str, object]:
        found = FactRow.objects.filter(organization=self._lease.organization)
        return dict(found.values_list("name", "value"))

    def remember(self, facts: Mapping[str, object]) -> None:
        with self._lease.writing():
            mine = FactRow.objects.filter(organization=self._lease.organization)
            mine.filter(name__in=[name for name, value in facts.items() if value is None]).delete()
            for name, value in facts.items():
                if value is not None:
                    FactRow.objects.update_or_create(
                        organization_id=self._lease.organization, name=name, defaults={"value": without_nul(value)}
                    )
