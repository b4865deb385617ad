"""What became of a plan's rows, as spans: a million rows that went well are a few numbers. Reads only.

A span is (first seq, last seq, status). Spans come in the order of seq and do not overlap; what was never sent is in
none of them. An intent without outcomes counts as unknown.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from rollbook.core.duck import Connection, fill
from rollbook.roster.changes import UNKNOWN, Outcome
from rollbook.roster.shapes import learned
from rollbook.store.journal import outcomes_of
from rollbook.store.models import Run, SliceIntent, SliceOutcome

Span = tuple[int, int, str]

_COLUMNS = {"first": "BIGINT", "last": "BIGINT", "status": "VARCHAR"}


class _Status(msgspec.Struct):
    status: str


_decode = msgspec.json.Decoder(learned(list[_Status])).decode


def spans(run: Run, plan: str) -> Sequence[Span]:
    """All spans of the plan with this digest, as sent by the run. Kept in memory once the run has ended."""
    if not run.ended or not run.settled:
        return tuple(_spans(run.pk, plan))
    return _kept(run.pk, plan, run.outcomes.count())


def load_spans(db: Connection, found: Sequence[Span]) -> None:
    """Fill the table `span` (first, last, status)."""
    fill(db, "span", _COLUMNS, found, temporary=True)


def answers(run: str, plan: str, seqs: Sequence[int]) -> dict[int, Outcome]:
    """The outcomes of a few rows, by seq; rows that were not sent are missing."""
    found: dict[int, Outcome] = {}
    if not seqs:
        return found
    intents = SliceIntent.objects.filter(run=run, plan=plan, first_seq__lte=max(seqs), last_seq__gte=min(seqs))
    wanted = set(seqs)
    for intent in intents:
        mine = wanted.intersection(range(intent.first_seq, intent.last_seq + 1))
        outcomes = outcomes_of(run, plan, intent.number) if mine else None
        for seq in mine:
            lost = Outcome(status=UNKNOWN, message="the answer was lost")
            found[seq] = outcomes[seq - intent.first_seq] if outcomes is not None else lost
    return found


@lru_cache(maxsize=16)
def _kept(run: str, plan: str, outcomes: int) -> Sequence[Span]:
    return tuple(_spans(run, plan))


def _spans(run: str, plan: str) -> Iterator[Span]:
    rows = SliceOutcome.objects.filter(run=run, plan=plan).order_by("number")
    payloads = rows.values_list("number", "payload").iterator(chunk_size=50)
    places = {
        number: (first, last)
        for number, first, last in SliceIntent.objects.filter(run=run, plan=plan).values_list(
            "number", "first_seq", "last_seq"
        )
    }
    found: list[Span] = []
    for number, payload in payloads:
        if number in places:
            first, _ = places.pop(number)
            found.extend(_joined(first, (one.status for one in _decode(zlib.decompress(bytes(payload))))))
    found += [(first, last, UNKNOWN) for first, last in places.values()]
    return _merged(sorted(found))


def _joined(first: int, statuses: Iterable[str]) -> Iterator[Span]:
    return _merged((seq, seq, status) for seq, status in enumerate(statuses, first))


def _merged(some: Iterable[Span]) -> Iterator[Span]:
    """Neighbours with the same status become one."""
    last: Span | None = None
    for span in some:
        if last is not None and last[1] + 1 == span[0] and last[2] == span[2]:
            last = (last[0], span[1], span[2])
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
