"""The pins of an organization: what undos put back and keep so (rule 28)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db.models import QuerySet
from django.utils import timezone

from rollbook.core.pins import merged
from rollbook.core.protocols import Pin, PinPlace
from rollbook.roster.grades import GRADE_KINDS
from rollbook.store.lease import Lease
from rollbook.store.models import PinRow

SIS_CHANGED, UNDONE = "the SIS says something else by now", "the undo was undone"
LMS_CHANGED = "the LMS says something else by now"
_AT_ONCE = 500
T = TypeVar("T")


class StoredPins:
    """Implements `core.protocols.Pins` for the lease's organization; `run` as for the journal."""

    def __init__(self, lease: Lease, run: str | None = None) -> None:
        self._lease, self._run = lease, run or lease.run

    def active(self, now: datetime) -> Sequence[Pin]:
        return [_pin(row) for row in self._open().filter(until__gt=now).iterator()]

    def keep(self, pins: Iterable[Pin], until: datetime) -> None:
        with self._lease.writing():
            for some in _parts(self._not_undone(pins)):
                self._keep(some, until)

    def end(self, places: Iterable[PinPlace]) -> None:
        with self._lease.writing():
            for some in _parts(places):
                rows = self._there(some).values()
                for why, of_grades in ((SIS_CHANGED, False), (LMS_CHANGED, True)):
                    ended = [row.pk for row in rows if (row.kind in GRADE_KINDS) == of_grades]
                    PinRow.objects.filter(pk__in=ended).update(ended_at=timezone.now(), why=why)

    def _keep(self, pins: Sequence[Pin], until: datetime) -> None:
        now = timezone.now()
        there = self._there([pin.place for pin in pins])
        expired = [place for place, row in there.items() if row.until <= now]
        PinRow.objects.filter(pk__in=[there.pop(place).pk for place in expired]).update(ended_at=now, why="expired")
        kept, over = merged(pins, {place: _pin(row) for place, row in there.items()})
        PinRow.objects.filter(pk__in=[there[place].pk for place in over]).update(
            ended_at=now, why=UNDONE, ended_run=self._run
        )
        for pin in kept:
            if pin.place in there:
                PinRow.objects.filter(pk=there[pin.place].pk).update(run_id=self._run, value=pin.value, until=until)
        PinRow.objects.bulk_create(
            PinRow(
                organization_id=self._lease.organization, run_id=self._run, kind=pin.kind, key=pin.key,
                field=pin.field, value=pin.value, sis=pin.sis, school=pin.school, created_at=now, until=until,
            )
            for pin in kept if pin.place not in there
        )  # fmt: skip

    def _not_undone(self, pins: Iterable[Pin]) -> Iterator[Pin]:
        """Settling again after a death must not pin what this very run has already set free."""
        mine = PinRow.objects.filter(organization=self._lease.organization, ended_run=self._run)
        free = {_pin(row).place for row in mine.iterator()}
        return (pin for pin in pins if pin.place not in free)

    def _there(self, places: Sequence[PinPlace]) -> dict[PinPlace, PinRow]:
        rows = self._open().filter(key__in={key for _, key, _ in places})
        wanted = set(places)
        return {place: row for row in rows if (place := _pin(row).place) in wanted}

    def _open(self) -> QuerySet[PinRow]:
        return PinRow.objects.filter(organization=self._lease.organization, ended_at__isnull=True)


def _pin(row: PinRow) -> Pin:
    return Pin(row.kind, row.key, row.field, row.value, row.sis, row.school)


def _parts(things: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(things)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
