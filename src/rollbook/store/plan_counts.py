"""How many rows a stored plan has, by kind, school, action and state.

Plans never change, so they are counted when a run ends and kept beside it; those of a few plans are in memory, in a
form that is cheap to use for a thousand schools.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import groupby
from typing import Final

import msgspec

from rollbook.core.changes_table import SEND
from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.core.stored import StoredPlan
from rollbook.roster.grades import ALL_KINDS
from rollbook.roster.shapes import learned
from rollbook.store.kept import Kept
from rollbook.store.models import PlanCountsRow, Run
from rollbook.store.outcome_spans import spans
from rollbook.store.school_names import SchoolNames

_PLACES: Final = {kind: place for place, kind in enumerate(ALL_KINDS)}


class Count(msgspec.Struct, frozen=True, gc=False):
    """`number` rows of a plan that have these in common; `school` None is the whole organization."""

    kind: str
    school: str | None
    action: str
    state: str
    number: int


class PlanCounts:
    """The counts of one plan, in the order of ALL_KINDS and schools. A line is a school and a kind; its columns are the
    actions that go out, and held, waiting, blocked."""

    def __init__(self, rows: Iterable[Count]) -> None:
        self.rows = tuple(rows)
        # names change seldom, so that what follows from them is kept for the last ones alone
        self._ordered: tuple[SchoolNames | None, list[tuple[str, str]]] = (None, [])
        self._named: tuple[SchoolNames | None, list[tuple[str, str]]] = (None, [])

    def number(self, *, kind: str = "", school: str | None = None, action: str = "", state: str = "") -> int:
        """How many rows are so; what is empty is not asked for."""
        rows: Iterable[Count] = self._of_all
        if school is not None:
            parts = (self._lines.get((school, kind), (0, 0)) for kind in self.by_kind)
            rows = (one for first, last in parts for one in self.rows[first:last])
        return sum(
            one.number
            for one in rows
            if kind in ("", one.kind) and action in ("", one.action) and state in ("", one.state)
        )

    @cached_property
    def schools(self) -> frozenset[str]:
        """Those that have rows of their own."""
        return frozenset(school for school, _kind in self._lines if school)

    @cached_property
    def columns(self) -> frozenset[str]:
        """All that any line has."""
        return frozenset(map(_column, self._of_all))

    @cached_property
    def actions(self) -> frozenset[str]:
        return frozenset(one.action for one in self._of_all)

    @cached_property
    def by_kind(self) -> Mapping[str, Mapping[str, int]]:
        """The columns of each kind, of all schools together."""
        return {kind: _sums(some) for kind, some in groupby(self._of_all, lambda one: one.kind)}

    def of(self, school: str, kind: str) -> Mapping[str, int]:
        """The columns of a line; "" is the whole organization."""
        first, last = self._lines.get((school, kind), (0, 0))
        return _sums(self.rows[first:last])

    def lines(self, names: SchoolNames) -> list[tuple[str, str]]:
        """School ("": the whole organization) and kind of all lines, in the order of the schools' names."""
        known, found = self._ordered
        if known is not names:
            kinds: dict[str, list[str]] = {}
            for school, kind in self._lines:  # kind after kind, so that those of a school are in order already
                kinds.setdefault(school, []).append(kind)
            found = [(school, kind) for school in sorted(kinds, key=names.order) for kind in kinds[school]]
            self._ordered = (names, found)
        return found

    def choices(self, names: SchoolNames) -> list[tuple[str, str]]:
        """Id and name of the schools that have rows of their own, in the order of names."""
        known, found = self._named
        if known is not names:
            found = names.in_order(self.schools)
            self._named = (names, found)
        return found

    @cached_property
    def _of_all(self) -> list[Count]:
        """Of all schools together; kind after kind, as the rows are."""
        found: dict[tuple[str, str, str], int] = {}
        for one in self.rows:
            what = (one.kind, one.action, one.state)
            found[what] = found.get(what, 0) + one.number
        return [Count(kind, None, action, state, number) for (kind, action, state), number in found.items()]

    @cached_property
    def _lines(self) -> dict[tuple[str, str], tuple[int, int]]:
        """By school and kind: from where to where its rows are."""
        first: dict[tuple[str, str], int] = {}
        for place, one in enumerate(self.rows):
            first.setdefault((one.school or "", one.kind), place)
        places = [*first.values(), len(self.rows)]
        return {line: (start, end) for line, start, end in zip(first, places, places[1:], strict=False)}


_decode = msgspec.json.Decoder(learned(list[tuple[str, str | None, str, str, int]])).decode
#: Those of a plan of everything take up to 3 MB for 2,000 schools.
_KEPT: Final[Kept[PlanCounts]] = Kept(24)


def plan_counts(plan: StoredPlan, blobs: Blobs, run: str) -> PlanCounts:
    """The counts of the plan of this run. Raises BlobLost."""
    return _KEPT.get(tuple(sorted(plan.files.items())), lambda: PlanCounts(_kept(run) or _counts(plan.files, blobs)))


def keep_counts(run: Run, plan: StoredPlan, blobs: Blobs) -> None:
    """Count the plan of this run, which has ended, and what became of it, for those who look at it. Raises
    BlobLost."""
    rows = msgspec.json.encode([msgspec.structs.astuple(one) for one in _counts(plan.files, blobs)]).decode()
    number = run.outcomes.count()
    found = msgspec.json.encode(spans(run, plan.digest)).decode() if run.settled else ""
    PlanCountsRow.objects.update_or_create(run=run, defaults={"rows": rows, "spans": found, "outcomes": number})


def _kept(run: str) -> list[Count]:
    """What is kept beside the run; empty where nothing is."""
    text = PlanCountsRow.objects.filter(run=run).values_list("rows", flat=True).first()
    same: dict[str | None, str | None] = {}  # one text for each school, not one a row
    return [
        Count(kind, same.setdefault(school, school), action, state, number)
        for kind, school, action, state, number in _decode(text or "[]")
    ]


def _counts(files: Mapping[str, str], blobs: Blobs) -> list[Count]:
    """In the order of ALL_KINDS and schools."""
    paths = [quote(blobs.get(key, f"the plan of {kind}")) for kind, key in files.items()]
    if not paths:
        return []
    with parquet_reader() as db:
        rows = db.execute(
            f"""SELECT kind, school, action, state, count(*) FROM read_parquet([{", ".join(paths)}])
                GROUP BY ALL ORDER BY school NULLS FIRST, action, state"""
        ).fetchall()
    same: dict[str | None, str | None] = {}
    found = [Count(kind, same.setdefault(school, school), action, state, n) for kind, school, action, state, n in rows]
    return sorted(found, key=lambda one: _PLACES[one.kind])


def _column(one: Count) -> str:
    return one.action if one.state == SEND else one.state


def _sums(some: Iterable[Count]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in some:
        column = _column(one)
        found[column] = found.get(column, 0) + one.number
    return found
