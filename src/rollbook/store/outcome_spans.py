"""What became of a plan's rows, as spans: a million rows that went well are a few numbers. Reads only.

A span is (first seq, last seq, status). Spans come in the order of seq and do not overlap; what was never sent is in
none of them. An intent without outcomes counts as unknown.
"""

from __future__ import annotations

import json
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from rollbook.core.duck import Connection, quote
from rollbook.roster.changes import UNKNOWN, Outcome
from rollbook.roster.shapes import learned
from rollbook.store.journal import in_a_row, outcomes_at
from rollbook.store.models import PlanCountsRow, Run, SliceIntent, SliceOutcome

Span = tuple[int, int, str]

#: Something or other became of these rows.
SENT = "sent"
_COLUMNS = {"first": "BIGINT", "last": "BIGINT", "status": "VARCHAR"}


class _Status(msgspec.Struct):
    status: str


_decode_spans = msgspec.json.Decoder(learned(list[Span])).decode
_decode = msgspec.json.Decoder(learned(list[_Status])).decode


def spans(run: Run, plan: str) -> Sequence[Span]:
    """All spans of the plan with this digest, as sent by the run. Kept in memory once the run has ended."""
    if not run.ended or not run.settled:
        return tuple(_spans(run.pk, plan))
    return _kept(run.pk, plan, run.outcomes.count())


def load_spans(db: Connection, found: Sequence[Span]) -> None:
    """Fill the table `span` (first, last, status)."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    db.execute(f"CREATE OR REPLACE TEMP TABLE span ({columns})")
    if found:  # as one text: a first sync has thousands, and lists of that many values take DuckDB long
        shape = json.dumps([_COLUMNS])
        chosen = ", ".join(f"one.{name}" for name in _COLUMNS)
        rows = msgspec.json.encode([dict(zip(_COLUMNS, span, strict=True)) for span in found]).decode()
        db.execute(
            f"INSERT INTO span SELECT {chosen} FROM (SELECT unnest(from_json($1, {quote(shape)})) AS one)", [rows]
        )


def joined(found: Iterable[Span]) -> Sequence[Span]:
    """The same rows in few spans, whatever became of them: what is in none was never sent."""
    return tuple(_merged((first, last, SENT) for first, last, _status in found))


def answers(run: str, plan: str, seqs: Sequence[int]) -> dict[int, Outcome]:
    """The outcomes of a few rows, by seq; rows that were not sent are missing."""
    found: dict[int, Outcome] = {}
    if not seqs:
        return found
    intents = SliceIntent.objects.filter(run=run, plan=plan, first_seq__lte=max(seqs), last_seq__gte=min(seqs))
    slices = sorted(intents.values_list("first_seq", "last_seq", "number"))
    firsts = [first for first, _, _ in slices]
    wanted: dict[int, list[tuple[int, int]]] = {}
    for seq in seqs:
        place = bisect_right(firsts, seq) - 1
        if place >= 0 and seq <= slices[place][1]:
            found[seq] = Outcome(status=UNKNOWN, message="the answer was lost")
            wanted.setdefault(slices[place][2], []).append((seq, seq - firsts[place]))
    for number, outcomes in outcomes_at(
        run, plan, {number: [place for _, place in some] for number, some in wanted.items()}
    ):
        found |= {seq: outcomes[place] for seq, place in wanted[number]}
    return found


@lru_cache(maxsize=16)
def _kept(run: str, plan: str, outcomes: int) -> Sequence[Span]:
    """As they were worked out when the run ended; now, where that was not done."""
    text = PlanCountsRow.objects.filter(run=run, outcomes=outcomes).values_list("spans", flat=True).first()
    return tuple(_decode_spans(text)) if text else tuple(_spans(run, plan))


def _spans(run: str, plan: str) -> Iterator[Span]:
    rows = SliceOutcome.objects.filter(run=run, plan=plan).order_by("number")
    places = {
        number: (first, last)
        for number, first, last in SliceIntent.objects.filter(run=run, plan=plan).values_list(
            "number", "first_seq", "last_seq"
        )
    }
    found: list[Span] = []
    for number, statuses in rows.values_list("number", "statuses").iterator(chunk_size=50):
        if number in places:
            first, _ = places.pop(number)
            found.extend(_placed(first, statuses if statuses is not None else _statuses(rows.get(number=number))))
    found += [(first, last, UNKNOWN) for first, last in places.values()]
    return _merged(sorted(found))


def _placed(first: int, statuses: Iterable[tuple[str, int]]) -> Iterator[Span]:
    for status, number in statuses:
        yield first, first + number - 1, status
        first += number


def _statuses(row: SliceOutcome) -> list[tuple[str, int]]:
    """Of a row that an earlier release wrote."""
    return in_a_row(one.status for one in _decode(zlib.decompress(bytes(row.payload))))


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
