"""Pages of a stored plan's rows: what people look at of a million rows. Changes nothing.

Rows lie in the order of seq, kind after kind: a page is found by columns that are short, and only its own rows are read
whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from rollbook.core.changes_table import BLOCKED, HELD, SEND, WAITING
from rollbook.core.duck import Connection, parquet_reader, quote
from rollbook.core.guard import reason_of
from rollbook.core.protocols import Blobs
from rollbook.core.stored import StoredPlan
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN
from rollbook.roster.grades import ALL_KINDS
from rollbook.store.kept import Kept
from rollbook.store.outcome_spans import Span, joined, load_spans
from rollbook.store.rows import COLUMNS, stored_row
from rollbook.store.sent_rows import sent_rows

#: Sendable rows of which nothing is known: not sent yet, or never.
UNSENT: Final = "unsent"
#: What may become of a row, as one looks for it: outcomes of the LMS, and states of the plan.
FATES: Final = (DONE, REFUSED, UNKNOWN, HELD, WAITING, BLOCKED, UNSENT)
_FATE_SQL: Final = {
    WAITING: f"(state = '{WAITING}' OR status = '{WAITING}')",
    UNSENT: f"(state = '{SEND}' AND status IS NULL)",
}
#: By file of a plan: by reason of held rows, the first ten.
_FIRST: Final[Kept[Mapping[str, Sequence[int]]]] = Kept(128)
#: By files of a plan: how many rows there are of each kind.
_ROWS: Final[Kept[Mapping[str, int]]] = Kept(256)
_PLACES: Final = {kind: place for place, kind in enumerate(ALL_KINDS)}
#: Above the number of any row.
_LAST: Final = 2**62


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which rows; what is None or empty is not asked for. `fate` is one of FATES, `hold` a hold's id; `status` is what
    the journal says became of rows that were to be sent."""

    kind: str = ""
    action: str = ""
    school: str | None = None
    fate: str = ""
    hold: str = ""
    status: str = ""


def page_of_rows(
    plan: StoredPlan, blobs: Blobs, chosen: Chosen, *, most: int, after: int = -1, outcomes: Sequence[Span] = ()
) -> list[dict[str, Any]]:
    """Up to `most` chosen rows whose seq is above `after`. `outcomes` tell what became of rows; only needed when a fate
    is asked for. `before` and `after` hold all fields; `differs` names those that change."""
    return _page(plan, blobs, _Search(chosen, after + 1, _LAST, most, outcomes))


def page_before(
    plan: StoredPlan, blobs: Blobs, chosen: Chosen, *, most: int, before: int, outcomes: Sequence[Span] = ()
) -> list[dict[str, Any]]:
    """As `page_of_rows`: the last `most` rows whose seq is below `before`, in the order of seq."""
    low = before - most if chosen == Chosen() else 0  # of all rows, the last ones are known by their numbers
    return _page(plan, blobs, _Search(chosen, low, before - 1, most, outcomes, backwards=True))


def numbers_of_page(
    plan: StoredPlan, blobs: Blobs, chosen: Chosen, *, most: int, after: int = -1, outcomes: Sequence[Span] = ()
) -> list[int]:
    """As `page_of_rows`, the numbers of the rows alone."""
    with parquet_reader() as db:
        parts = _found(db, plan, blobs, _Search(chosen, after + 1, _LAST, most, outcomes))
        return [seq for _kind, _path, seqs in parts for seq in seqs]


def rows_in_parts(
    plan: StoredPlan, blobs: Blobs, chosen: Chosen, *, outcomes: Sequence[Span] = (), at_once: int = 10_000
) -> Iterator[list[dict[str, Any]]]:
    """All chosen rows, some at a time, as `page_of_rows` has them."""
    after = -1
    while rows := page_of_rows(plan, blobs, chosen, most=at_once, after=after, outcomes=outcomes):
        yield rows
        after = rows[-1]["seq"]


def examples(plan: StoredPlan, blobs: Blobs, kind: str, holds: Sequence[str], most: int) -> dict[str, list[Any]]:
    """By hold of this kind: its first rows (at most 10)."""
    if kind not in plan.files:
        return {}
    first = _FIRST.get(plan.files[kind], lambda: _first_held(_path(plan, blobs, kind)))
    wanted = {hold: first.get(reason_of(hold), ())[:most] for hold in holds}
    with parquet_reader() as db:
        found = _read(db, kind, _path(plan, blobs, kind), [seq for seqs in wanted.values() for seq in seqs])
    by_seq = {row["seq"]: row for row in found}
    return {hold: [by_seq[seq] for seq in seqs if seq in by_seq] for hold, seqs in wanted.items()}


def _first_held(path: Path) -> Mapping[str, Sequence[int]]:
    """By reason of held rows: the first ten."""
    with parquet_reader() as db:
        rows = db.execute(
            f"""SELECT reason, min(seq, 10) FROM read_parquet({quote(path)})
                WHERE state = '{HELD}' AND reason IS NOT NULL GROUP BY reason"""
        ).fetchall()
    return {reason: tuple(seqs) for reason, seqs in rows}


@dataclass(frozen=True)
class _Search:
    """`low` and `high` are the numbers between which to look; `backwards` takes the last rows instead of the first."""

    chosen: Chosen
    low: int
    high: int
    most: int
    outcomes: Sequence[Span]
    backwards: bool = False

    @property
    def sent_alone(self) -> bool:
        """Is what became of rows enough to know which ones are meant?"""
        chosen = self.chosen
        asked = bool(chosen.status) or chosen.fate in (DONE, REFUSED, UNKNOWN, UNSENT)
        return asked and chosen.school is None and not chosen.hold

    @property
    def waiting_alone(self) -> bool:
        """As `sent_alone`, of rows that wait."""
        return self.chosen.fate == WAITING and self.chosen.school is None and not self.chosen.hold

    @cached_property
    def by_plan(self) -> bool:
        """Does the plan alone tell what has this fate?"""
        fate = self.chosen.fate
        return fate in (HELD, BLOCKED) or (fate == WAITING and all(status != WAITING for _, _, status in self.outcomes))

    @property
    def needs_spans(self) -> bool:
        """Must the rows be held against what became of them?"""
        chosen = self.chosen
        return (
            not self.sent_alone and not self.waiting_alone and bool(chosen.status or (chosen.fate and not self.by_plan))
        )

    @property
    def spans(self) -> Sequence[Span]:
        """What rows must be held against: of a first sync of a million, tens of thousands stand in its journal."""
        if self.chosen.fate == UNSENT:
            return joined(self.outcomes)
        status = WAITING if self.chosen.fate == WAITING else self.chosen.status or self.chosen.fate
        return [span for span in self.outcomes if span[2] == status and span[1] >= self.low and span[0] <= self.high]


def _page(plan: StoredPlan, blobs: Blobs, search: _Search) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with parquet_reader() as db:
        for kind, path, seqs in _found(db, plan, blobs, search):
            found += _read(db, kind, path, seqs)
    return sorted(found, key=lambda row: row["seq"])


def _found(db: Connection, plan: StoredPlan, blobs: Blobs, search: _Search) -> Iterator[tuple[str, Path, list[int]]]:
    """The numbers of a page's rows, kind by kind."""
    kinds = [kind for kind in ALL_KINDS if kind in plan.files and search.chosen.kind in ("", kind)]
    if search.needs_spans:
        load_spans(db, search.spans)
    missing = search.most
    for kind in reversed(kinds) if search.backwards else kinds:
        path = _path(plan, blobs, kind)
        if search.chosen == Chosen(kind=search.chosen.kind):
            all_of_it = _in_a_row(db, plan, blobs, kind, search)
            seqs = list(all_of_it[-missing:] if search.backwards else all_of_it[:missing])
        elif search.sent_alone:
            seqs = _sent(plan, kind, search, missing)
        elif search.waiting_alone:
            seqs = _waiting(db, plan, kind, path, search, most=missing)
        else:
            seqs = _seqs(db, path, search, missing)
        yield kind, path, seqs
        missing -= len(seqs)
        if missing <= 0:
            return


def _waiting(db: Connection, plan: StoredPlan, kind: str, path: Path, search: _Search, *, most: int) -> list[int]:
    """Rows that wait in the plan, and rows whose parent was refused when they were to be sent: each is found without
    the other, and without holding a million rows against what became of them."""
    unsent = _seqs(db, path, replace(search, outcomes=()), most)
    seqs = sorted({*unsent, *_sent(plan, kind, search, most)})
    return seqs[-most:] if search.backwards else seqs[:most]


def _sent(plan: StoredPlan, kind: str, search: _Search, most: int) -> list[int]:
    chosen = search.chosen
    groups = [one for one in plan.groups if one.kind == kind and chosen.action in ("", one.action)]
    status = None if chosen.fate == UNSENT else chosen.status or chosen.fate
    inside = (search.low, search.high)
    return sent_rows(groups, search.outcomes, status, inside, most=most, last=search.backwards)


def _in_a_row(db: Connection, plan: StoredPlan, blobs: Blobs, kind: str, search: _Search) -> range:
    """The numbers of all rows of a kind that lie inside: kinds lie one after the other, and files know how many rows
    they have."""

    def count() -> dict[str, int]:
        paths = {str(_path(plan, blobs, one)): one for one in plan.files}
        names = ", ".join(map(quote, paths))
        rows = db.execute(f"SELECT file_name, num_rows FROM parquet_file_metadata([{names}])").fetchall()
        return {paths[path]: number for path, number in rows}

    numbers = _ROWS.get(tuple(sorted(plan.files.items())), count)
    start = sum(numbers[one] for one in ALL_KINDS if one in numbers and _PLACES[one] < _PLACES[kind])
    return range(max(search.low, start), min(search.high, start + numbers[kind] - 1) + 1)


def _seqs(db: Connection, path: Path, search: _Search, most: int) -> list[int]:
    """The numbers of the rows of a page, found without reading what is in them."""
    where, given, chosen = [f"seq BETWEEN {int(search.low)} AND {int(search.high)}"], {}, search.chosen
    reason = reason_of(chosen.hold) if chosen.hold else None
    for name, value in (("action", chosen.action or None), ("school", chosen.school), ("reason", reason)):
        if value is not None:
            where.append(f"{name} = ${name}")
            given[name] = value
    if search.by_plan:
        where.append(f"state = {quote(chosen.fate)}")
    rows = f"SELECT seq, state FROM read_parquet({quote(path)}) WHERE {' AND '.join(where)}"
    if search.needs_spans:
        wanted = _FATE_SQL.get(chosen.fate, f"status = {quote(chosen.status or chosen.fate)}")
        rows = f"""
            SELECT seq FROM (SELECT p.seq, p.state, CASE WHEN p.seq <= span.last THEN span.status END AS status
                             FROM ({rows}) p ASOF LEFT JOIN span ON p.seq >= span.first) WHERE {wanted}"""
    order = "DESC" if search.backwards else "ASC"
    return [
        row[0] for row in db.execute(f"SELECT seq FROM ({rows}) ORDER BY seq {order} LIMIT {most}", given).fetchall()
    ]


def _path(plan: StoredPlan, blobs: Blobs, kind: str) -> Path:
    return blobs.get(plan.files[kind], f"the plan of {kind}")


def _read(db: Connection, kind: str, path: Path, seqs: Sequence[int]) -> list[dict[str, Any]]:
    if not seqs:
        return []
    where, first, last = "true", min(seqs), max(seqs)
    if last - first + 1 != len(seqs):
        where = f"seq IN ({', '.join(map(str, seqs))})"  # written out, so that parts of the file are left out by it
    rows = db.execute(
        f"""SELECT {COLUMNS} FROM read_parquet({quote(path)})
            WHERE seq BETWEEN {first} AND {last} AND {where} ORDER BY seq"""
    ).fetchall()
    return [_row(kind, row) for row in rows]


def _row(kind: str, row: tuple[Any, ...]) -> dict[str, Any]:
    found = stored_row(kind, row)
    if found["action"] == "remove":
        found["after"] = {}
    had, wanted = found["before"], found["after"]
    names = dict.fromkeys([*wanted, *had])
    return found | {"differs": [name for name in names if _some(had.get(name)) != _some(wanted.get(name))]}


def _some(value: Any) -> Any:
    """Nothing, an empty text and an empty list are the same to people."""
    return None if value in ("", []) else value
