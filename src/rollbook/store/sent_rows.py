"""Numbers of a plan's rows by what became of them, from its groups and the journal's spans alone: no row is read.

Sendable rows of one kind and action lie together, so that of millions of rows a few ranges are known beforehand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from rollbook.core.stored import Group
from rollbook.store.outcome_spans import Span

Range = tuple[int, int]


def sent_rows(
    groups: Iterable[Group], spans: Sequence[Span], status: str | None, inside: Range, *, most: int, last: bool
) -> list[int]:
    """The first `most` rows of these groups with this status (None: never sent) whose numbers lie inside; or the last
    ones. In the order of their numbers."""
    low, high = inside
    parts = [
        part
        for group in sorted(groups, key=lambda one: one.first_seq)
        for part in _parts(spans, status, max(low, group.first_seq), min(high, group.first_seq + group.count - 1))
    ]
    found: list[int] = []
    for start, end in reversed(parts) if last else parts:
        missing = most - len(found)
        if missing <= 0:
            break
        if last:
            start = max(start, end - missing + 1)
        else:
            end = min(end, start + missing - 1)
        found += range(start, end + 1)
    return sorted(found)


def _parts(spans: Sequence[Span], status: str | None, low: int, high: int) -> Iterator[Range]:
    """Ranges with this status between two numbers, both included."""
    at = low
    for first, last, its in spans[bisect_left(spans, low, key=lambda span: span[1]) :]:
        if first > high:
            break
        if status is None and at < first:
            yield at, first - 1
        elif its == status:
            yield max(first, low), min(last, high)
        at = last + 1
    if status is None and at <= high:
        yield at, high
