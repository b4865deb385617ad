"""What is remembered of refusals: how often and since when each record is refused (rule 27). Sends nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from rollbook.core.duck import Connection, count, fill, texts
from rollbook.core.protocols import Memory, Refusal
from rollbook.core.stored import StoredPlan
from rollbook.roster.grades import GRADE_KINDS

#: Refused on so many runs, a record is tried weekly (rule 27).
RUNS_BEFORE_PAUSE, PAUSE = 3, timedelta(days=7)


#: Of a change: key, digest, the words of who refused it, was it not tried, and its section (grades alone).
_Row = tuple[str, str, str | None, bool, str | None]


def remember_refusals(
    db: Connection,
    plan: StoredPlan,
    memory: Memory,
    now: datetime,
    *,
    kinds: Sequence[str] | None = None,
    schools: Sequence[str] = (),
    sections: Collection[str] | None = None,
    grades: bool = False,
    run: str = "",
) -> None:
    """Rule 27: how often and since when each record is refused. Records that no longer change are forgotten, but not
    those that this run did not get to: not sent, or outside its `kinds` (None: those of the plan), its schools or, of
    `grades`, its `sections` (None: all). Counted once for `run`."""
    fresh: list[Refusal] = []
    before = {(r.kind, r.key): r for r in memory.refusals()}
    some = bool(before) or count(db, "outcome", "status = 'refused'") > 0  # else there is nothing to remember
    kinds = list(GRADE_KINDS) if grades else list(plan.files) if kinds is None else list(kinds)
    for kind in kinds:
        mine = {key: old for (each, key), old in before.items() if each == kind}
        rows = _not_done(db, plan, kind, grades=grades) if some else []
        if mine and (schools or sections is not None):
            planned = _planned(db, plan, kind, mine)
            rows += [
                (key, "", None, True, old.section)
                for key, old in mine.items()
                if key not in planned and old.section not in (sections or ())
            ]
        fresh += _refusals(kind, rows, before, now)
    memory.replace_refusals(kinds, fresh, run=run)


def _not_done(db: Connection, plan: StoredPlan, kind: str, *, grades: bool) -> list[_Row]:
    """What was refused or not tried. Most of a plan was done, so the little rest is looked for on its own."""
    if kind not in plan.files:
        return []
    section = "p.school" if grades else "CAST(NULL AS VARCHAR)"
    wanted = "p.key, md5(coalesce(p.after, '') || coalesce(p.new_key, ''))"
    rows: list[_Row] = db.execute(f"""
        SELECT {wanted}, o.message, o.status = 'waiting', {section}
        FROM plan_{kind} p JOIN (FROM outcome WHERE status IN ('refused', 'waiting')) o USING (seq)
        UNION ALL
        SELECT {wanted}, NULL, true, {section}
        FROM plan_{kind} p ANTI JOIN outcome USING (seq)""").fetchall()
    return rows


def _planned(db: Connection, plan: StoredPlan, kind: str, keys: Iterable[str]) -> set[str]:
    """Which of these were planned."""
    if kind not in plan.files:
        return set()
    fill(db, "remembered", {"key": "VARCHAR"}, ((key,) for key in keys), temporary=True)
    return set(texts(db, f"SELECT key FROM plan_{kind} WHERE key IN (FROM remembered)"))


def _refusals(
    kind: str, rows: Sequence[_Row], before: Mapping[tuple[str, str], Refusal], now: datetime
) -> Iterable[Refusal]:
    """One a record, though a plan may have two changes of it: what was tried tells more than what was not."""
    told = {row[0]: row[1:] for row in sorted(rows, key=lambda row: not row[3])}
    for key, (digest, message, untried, section) in told.items():
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
            section=section,
        )
