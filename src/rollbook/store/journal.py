"""The journal of one plan: intent before, outcome after, each written once and only under the run's lease."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, Literal

import msgspec

from rollbook.core.protocols import Attempt
from rollbook.errors import Bug
from rollbook.roster.changes import Outcome
from rollbook.roster.shapes import learned
from rollbook.store.lease import Lease
from rollbook.store.models import Run, SliceIntent, SliceOutcome

#: Slices that are read at a time.
_AT_ONCE: Final = 100
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(learned(list[Outcome])).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_one = msgspec.json.Decoder(learned(Outcome)).decode


class StoredJournal:
    """Implements `core.protocols.Journal` for (run, plan digest).

    `run` is the lease's own, or an earlier one of the organization that is settled under this lease.
    """

    def __init__(self, lease: Lease, plan: str, run: str | None = None) -> None:
        self._lease = lease
        self._plan = plan
        self._run = run or lease.run
        self._unsettled = False

    def intend(self, number: int, first_seq: int, last_seq: int) -> None:
        intent = SliceIntent(run_id=self._run, plan=self._plan, number=number, first_seq=first_seq, last_seq=last_seq)
        with self._lease.fenced():
            SliceIntent.objects.bulk_create([intent], ignore_conflicts=True)
            if not self._unsettled:
                Run.objects.filter(pk=self._run).update(settled=False)
        self._unsettled = True

    def record(self, number: int, outcomes: Sequence[Outcome]) -> None:
        payload = zlib.compress(_encode(list(outcomes)), 1)
        checksum = hashlib.sha256(payload).hexdigest()
        outcome = SliceOutcome(
            run_id=self._run,
            plan=self._plan,
            number=number,
            payload=payload,
            checksum=checksum,
            statuses=in_a_row(outcome.status for outcome in outcomes),
        )
        with self._lease.fenced():
            SliceOutcome.objects.bulk_create([outcome], ignore_conflicts=True)

    def done(self) -> frozenset[int]:
        found = SliceOutcome.objects.filter(run=self._run, plan=self._plan)
        return frozenset(found.values_list("number", flat=True))

    def attempts(self) -> Iterator[Attempt]:
        return attempts(self._run, self._plan)


def in_a_row(statuses: Iterable[str]) -> list[tuple[str, int]]:
    """Each status with how many there are in a row."""
    return [(status, sum(1 for _ in same)) for status, same in groupby(statuses)]


def attempts(run: str, plan: str, *, order: Literal["number", "first_seq"] = "number") -> Iterator[Attempt]:
    """What the journal of a run's plan holds, in the order of sending or of the plan's numbers. Raises Bug where a
    checksum does not match."""
    wanted = SliceIntent.objects.filter(run=run, plan=plan)
    for intent in wanted.order_by(order).iterator():
        yield Attempt(intent.number, intent.first_seq, intent.last_seq, outcomes_of(run, plan, intent.number))


def outcomes_of(run: str, plan: str, number: int) -> list[Outcome] | None:
    """The outcomes of one slice; None where there are none (yet). Raises Bug where the checksum does not match."""
    return next((outcomes for _, outcomes in some_outcomes(run, plan, [number])), None)


def some_outcomes(run: str, plan: str, numbers: Sequence[int]) -> Iterator[tuple[int, list[Outcome]]]:
    """The outcomes of these slices, where there are any. Raises Bug where a checksum does not match."""
    for number, text in _texts(run, plan, numbers):
        yield number, _decode(text)


def outcomes_at(
    run: str, plan: str, places: Mapping[int, Collection[int]]
) -> Iterator[tuple[int, Mapping[int, Outcome]]]:
    """As `some_outcomes`, by their places in the slices only those at these: of a thousand a page shows one or two."""
    for number, text in _texts(run, plan, list(places)):
        every = _split(text)
        yield number, {place: _decode_one(every[place]) for place in places[number]}


def _texts(run: str, plan: str, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(numbers), _AT_ONCE):
        rows = SliceOutcome.objects.filter(run=run, plan=plan, number__in=numbers[start : start + _AT_ONCE])
        for number, stored, checksum in rows.values_list("number", "payload", "checksum"):
            payload = bytes(stored)
            if hashlib.sha256(payload).hexdigest() != checksum:
                raise Bug(f"the outcome of slice {number} of run {run} was damaged on disk")
            yield number, zlib.decompress(payload)
