"""What is remembered of refusals: how often and since when each record is refused (rule 27). Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rollbook.core.duck import Connection
from rollbook.core.protocols import Memory, Refusal
from rollbook.core.stored import StoredPlan

#: Refused on so many runs, a record is tried weekly (rule 27).
RUNS_BEFORE_PAUSE, PAUSE = 3, timedelta(days=7)


def remember_refusals(
    db: Connection, plan: StoredPlan, memory: Memory, now: datetime, *, schools: Sequence[str] = (), run: str = ""
) -> None:
    """Rule 27: how often and since when each record is refused. Records that no longer change are forgotten, but not
    those that this run did not get to: not sent, or outside its schools. Counted once for `run`."""
    fresh: list[Refusal] = []
    before = {(r.kind, r.key): r for r in memory.refusals()}
    for kind in plan.files:
        rows = db.execute(f"""
            SELECT p.key, md5(coalesce(p.after, '') || coalesce(p.new_key, '')), o.message,
                   coalesce(o.status, 'waiting') = 'waiting'
            FROM plan_{kind} p LEFT JOIN outcome o USING (seq)
            WHERE coalesce(o.status, 'waiting') IN ('refused', 'waiting')""").fetchall()
        if schools:
            planned = {row[0] for row in db.execute(f"SELECT key FROM plan_{kind}").fetchall()}
            rows += [(key, "", None, True) for each, key in before if each == kind and key not in planned]
        fresh += _refusals(kind, rows, before, now)
    memory.replace_refusals(list(plan.files), fresh, run=run)


def _refusals(
    kind: str,
    rows: list[tuple[str, str, str | None, bool | None]],
    before: dict[tuple[str, str], Refusal],
    now: datetime,
) -> Iterable[Refusal]:
    """One a record, though a plan may have two changes of it: what was tried tells more than what was not."""
    told = {
        key: (digest, message, untried) for key, digest, message, untried in sorted(rows, key=lambda row: not row[3])
    }
    for key, (digest, message, untried) in told.items():
        old = before.get((kind, key))
        if untried:
            if old is not None:
                yield old
            continue
        same = old if old is not None and old.digest == digest else None
        runs = same.runs + 1 if same else 1
        yield Refusal(
            kind=kind,
            key=key,
            digest=digest,
            message=message or "",
            runs=runs,
            first=same.first if same else now,
            retry_from=now + PAUSE if runs >= RUNS_BEFORE_PAUSE else None,
        )
