"""Outcomes as a table beside the plan, for settling and counting. Reads the journal; writes nothing to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from rollbook.core.duck import Connection, quote
from rollbook.core.plan import slices
from rollbook.core.protocols import Attempt, Blobs, Journal
from rollbook.core.stored import COUNTS, StoredPlan
from rollbook.roster.changes import UNKNOWN, Outcome

#: Bytes of one outcome at most. Two threads take a buffer of twice that each.
_LONGEST = 4 * 1024 * 1024


class Tried(Protocol):
    """The part of a journal that is read here."""

    def attempts(self) -> Iterable[Attempt]: ...


def load_outcomes(db: Connection, plan: StoredPlan, journal: Tried, folder: Path) -> int:
    """Fill `outcome` (seq, status, lms_id, message, code); an intent without outcomes counts as unknown."""
    db.execute(
        "CREATE OR REPLACE TABLE outcome (seq BIGINT, status VARCHAR, lms_id VARCHAR, message VARCHAR, code INTEGER)"
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "outcomes.ndjson"
    encode = msgspec.json.Encoder().encode
    number = 0
    with path.open("wb") as file:
        for attempt in journal.attempts():
            lost = Outcome(status=UNKNOWN, message="the answer was lost")
            outcomes = attempt.outcomes
            for place, seq in enumerate(range(attempt.first_seq, attempt.last_seq + 1)):
                outcome = outcomes[place] if outcomes is not None else lost
                row = (seq, outcome.status, outcome.lms_id, outcome.message, outcome.code)
                file.write(encode(dict(zip(("seq", "status", "lms_id", "message", "code"), row, strict=True))) + b"\n")
                number += 1
    if number:
        columns = "{seq: 'BIGINT', status: 'VARCHAR', lms_id: 'VARCHAR', message: 'VARCHAR', code: 'INTEGER'}"
        how = f"format='newline_delimited', maximum_object_size={_LONGEST}, columns={columns}"
        db.execute(f"INSERT INTO outcome FROM read_json({quote(path)}, {how})")
    return number


def load_plan(db: Connection, plan: StoredPlan, blobs: Blobs, *, temporary: bool = False) -> None:
    """Make a view `plan_<kind>` for every kind the plan has rows of; temporary ones are seen by this connection
    alone."""
    view = "TEMP VIEW" if temporary else "VIEW"
    for kind, key in plan.files.items():
        path = quote(blobs.get(key, f"the plan of {kind}"))
        db.execute(f"CREATE OR REPLACE {view} plan_{kind} AS FROM read_parquet({path})")


def add_outcomes(db: Connection, plan: StoredPlan, kinds: dict[str, dict[str, int]]) -> None:
    """Add what became of the changes; needs the plan views and `outcome`."""
    for kind in plan.files:
        numbers = kinds.setdefault(kind, dict.fromkeys(COUNTS, 0))
        rows = db.execute(f"""
            SELECT o.status, count(*) FROM plan_{kind} JOIN outcome o USING (seq) GROUP BY 1""").fetchall()
        for status, number in rows:
            numbers[status] += number


def unsent(plan: StoredPlan, journal: Journal) -> int:
    """How many slices have no outcomes yet."""
    return sum(1 for _ in slices(plan)) - len(journal.done())
