"""Outcomes as a table beside the plan, for settling and counting. Reads the journal; writes nothing to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import msgspec

from rollbook.core.duck import Connection, count, quote
from rollbook.core.plan import slices
from rollbook.core.protocols import Attempt, Blobs, Journal
from rollbook.core.stored import COUNTS, StoredPlan
from rollbook.roster.changes import DONE, UNKNOWN, Outcome

#: Rows that are written into the table at once: DuckDB keeps in memory what it reads and what is not written down yet.
_AT_ONCE = 4096
_COLUMNS = {"seq": "BIGINT", "status": "VARCHAR", "lms_id": "VARCHAR", "message": "VARCHAR", "code": "INTEGER"}


class Tried(Protocol):
    """The part of a journal that is read here."""

    def attempts(self) -> Iterable[Attempt]: ...


def load_outcomes(db: Connection, plan: StoredPlan, journal: Tried, folder: Path) -> int:
    """Fill `outcome` (seq, status, lms_id, message, code); an intent without outcomes counts as unknown."""
    db.execute(f"CREATE OR REPLACE TABLE outcome ({', '.join(f'{name} {kind}' for name, kind in _COLUMNS.items())})")
    folder.mkdir(parents=True, exist_ok=True)
    path, number = folder / "outcomes.ndjson", 0
    how = f"format='newline_delimited', columns={_COLUMNS}"
    rows = _rows(journal)
    while piece := list(islice(rows, _AT_ONCE)):
        path.write_bytes(msgspec.json.Encoder().encode_lines(piece))
        db.execute(f"INSERT INTO outcome FROM read_json({quote(path)}, {how})")
        number += len(piece)
    return number


def _rows(journal: Tried) -> Iterator[dict[str, Any]]:
    lost = Outcome(status=UNKNOWN, message="the answer was lost")
    for attempt in journal.attempts():
        outcomes = attempt.outcomes
        for place, seq in enumerate(range(attempt.first_seq, attempt.last_seq + 1)):
            one = outcomes[place] if outcomes is not None else lost
            yield dict(zip(_COLUMNS, (seq, one.status, one.lms_id, one.message, one.code), strict=True))


def load_plan(db: Connection, plan: StoredPlan, blobs: Blobs, *, temporary: bool = False) -> None:
    """Make a view `plan_<kind>` for every kind the plan has rows of; temporary ones are seen by this connection
    alone."""
    view = "TEMP VIEW" if temporary else "VIEW"
    for kind, key in plan.files.items():
        path = quote(blobs.get(key, f"the plan of {kind}"))
        db.execute(f"CREATE OR REPLACE {view} plan_{kind} AS FROM read_parquet({path})")


def all_done(db: Connection, plan: StoredPlan) -> bool:
    """Was everything sent, and done? Then no row needs to be asked what became of it. Needs `outcome`."""
    return count(db, "outcome", f"status = '{DONE}'") == sum(group.count for group in plan.groups)


def add_outcomes(db: Connection, plan: StoredPlan, kinds: dict[str, dict[str, int]]) -> None:
    """Add what became of the changes; needs the plan views and `outcome`."""
    whole = all_done(db, plan)
    for kind in plan.files:
        numbers = kinds.setdefault(kind, dict.fromkeys(COUNTS, 0))
        if whole:
            numbers[DONE] += sum(group.count for group in plan.groups if group.kind == kind)
            continue
        rows = db.execute(f"""
            SELECT o.status, count(*) FROM plan_{kind} JOIN outcome o USING (seq) GROUP BY 1""").fetchall()
        for status, number in rows:
            numbers[status] += number


def unsent(plan: StoredPlan, journal: Journal) -> int:
    """How many slices have no outcomes yet."""
    return sum(1 for _ in slices(plan)) - len(journal.done())
