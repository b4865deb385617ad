"""Settle: plan × outcomes → the next version of each section's grade ledger, after reading back what the SIS shows.
Runs for every run that sent anything, failed and cancelled ones too. Sends nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from rollbook.core.duck import Connection
from rollbook.core.outcomes import load_outcomes, load_plan
from rollbook.core.stored import StoredPlan
from rollbook.errors import LeaseLost, RollbookError, RunCancelled
from rollbook.passback.grade_types import Found, GradeRequest, GradeWorld, ItemOutcome
from rollbook.passback.ledger import read_ledger, settled, write_ledger
from rollbook.passback.pins import keep_pins
from rollbook.passback.reading import read_live
from rollbook.passback.same import shown_otherwise
from rollbook.passback.undoing import Did
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, Fields, Outcome
from rollbook.roster.grades import GRADE_KINDS
from rollbook.roster.lms import REMOVE

LINE_ITEM, RESULT = "line_item", "result"
Acted = list[tuple[Change, Outcome]]
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


def settle_sections(
    db: Connection, plan: StoredPlan, world: GradeWorld, request: GradeRequest
) -> Iterator[tuple[str, list[Found]]]:
    """Settle one section after the other; yields what reading back found in each. A section that an earlier attempt of
    this run has settled stays so. Needs nothing but the plan; leaves its views and `outcome` behind."""
    load_plan(db, plan, world.blobs)
    load_outcomes(db, plan, world.journal(plan.digest), world.work)
    keep_pins(db, request, world, plan)
    sections = _load_acted(db, plan)
    for number, section in enumerate(sections):
        world.progress.update("settle", number, len(sections), section)
        acted = _acted(db, section)
        findings: list[Found] = []
        if not world.ledgers.advanced(section):
            findings = _settle(db, world, section, plan.sections[section], acted)
        world.notes.settled(section, _item_outcomes(acted), request.now, undone=plan.undo_of is not None)
        yield section, findings


def _settle(db: Connection, world: GradeWorld, section: str, base: int, acted: Acted) -> list[Found]:
    live, findings = _read_back(world, section, acted)
    before = read_ledger(db, world.ledgers.current(section), world.blobs, section)
    path = world.work / "grade-ledger.parquet"
    write_ledger(db, settled(before, acted, live), path)
    world.ledgers.advance(section, base, world.blobs.put(path))
    return findings


def _read_back(world: GradeWorld, section: str, acted: Acted) -> tuple[Mapping[str, Mapping[str, Fields]], list[Found]]:
    """What the SIS shows now, and where that is not what was sent. Nothing where it does not answer: the next run looks
    again."""
    if not any(outcome.status in (DONE, UNKNOWN) for _, outcome in acted):
        return {}, []
    try:
        live = read_live(world.sink, section)
    except (LeaseLost, RunCancelled):
        raise
    except RollbookError as error:
        return {}, [Found(code="GRADES_NOT_READ_BACK", collection="section", id=section, detail=str(error))]
    return live, list(_differences(acted, live))


def _differences(acted: Acted, live: Mapping[str, Mapping[str, Fields]]) -> Iterator[Found]:
    for change, outcome in acted:
        if outcome.status != DONE or change.action == REMOVE:
            continue
        if change.kind not in live:
            continue
        shown = live[change.kind].get(outcome.lms_id or change.lms_id or change.key)
        if shown is None:
            yield Found(code="GRADE_NOT_SHOWN", collection=change.kind, id=_named(change))
        elif names := shown_otherwise(shown, change.after):
            told = ", ".join(names)
            yield Found(code="GRADE_SHOWN_OTHERWISE", collection=change.kind, id=_named(change), detail=told)


def _named(change: Change) -> str:
    return str(change.after.get("title" if change.kind == LINE_ITEM else "student") or change.key)


def _load_acted(db: Connection, plan: StoredPlan) -> list[str]:
    """`acted`: every row that was tried, with what became of it; returns the sections that there are."""
    parts = [
        f"""SELECT p.school, p.seq, p.kind, p.action, p.key, p.lms_id, p.after, o.status, o.lms_id AS sis_id, o.message
            FROM plan_{kind} p JOIN outcome o USING (seq) WHERE o.status <> 'waiting'"""
        for kind in GRADE_KINDS
        if kind in plan.files
    ]
    nothing = "SELECT '' AS school, 0 AS seq WHERE false"
    db.execute(f"CREATE OR REPLACE TABLE acted AS FROM ({' UNION ALL '.join(parts) or nothing}) ORDER BY school, seq")
    return [row[0] for row in db.execute("SELECT DISTINCT school FROM acted ORDER BY 1").fetchall()]


def did_by_section(
    db: Connection, plan: StoredPlan, world: GradeWorld, sections: Sequence[str]
) -> Iterator[tuple[str, list[Did]]]:
    """What was done of a plan in each of these sections, for its undo."""
    load_plan(db, plan, world.blobs)
    load_outcomes(db, plan, world.journal(plan.digest), world.work)
    parts = [
        f"""SELECT p.school, p.seq, p.kind, p.action, p.key, p.before, p.after
            FROM plan_{kind} p JOIN outcome o USING (seq) WHERE o.status = 'done'"""
        for kind in (LINE_ITEM, RESULT)
        if kind in plan.files
    ]
    nothing = "SELECT '' AS school, 0 AS seq WHERE false"
    db.execute(f"CREATE OR REPLACE TABLE did AS FROM ({' UNION ALL '.join(parts) or nothing}) ORDER BY school, seq")
    there = {row[0] for row in db.execute("SELECT DISTINCT school FROM did").fetchall()}
    for number, section in enumerate(wanted := sorted(there.intersection(sections))):
        world.progress.update("read", number, len(wanted), section)
        rows = db.execute(
            "SELECT kind, action, key, before, after FROM did WHERE school = $section ORDER BY seq",
            {"section": section},
        ).fetchall()
        yield section, [
            Did(
                kind=kind, action=action, key=key, before=_decode(before) if before else None,
                after=_decode(after) if after else {},
            )
            for kind, action, key, before, after in rows
        ]  # fmt: skip


def _acted(db: Connection, section: str) -> Acted:
    rows = db.execute(
        """SELECT seq, kind, action, key, lms_id, after, status, sis_id, message FROM acted
           WHERE school = $section ORDER BY seq""",
        {"section": section},
    ).fetchall()
    found: Acted = []
    for seq, kind, action, key, lms_id, after, status, sis_id, message in rows:
        fields = _decode(after) if after else {}
        change = Change(seq=seq, kind=kind, action=action, key=key, lms_id=lms_id, after=fields)
        found.append((change, Outcome(status=status, lms_id=sis_id, message=message or "")))
    return found


def _item_outcomes(acted: Acted) -> Sequence[ItemOutcome]:
    """By item: what became of it and of its grades, with the first words of the SIS."""
    items: dict[str, Acted] = defaultdict(list)
    for change, outcome in acted:
        if change.kind not in (LINE_ITEM, RESULT):
            continue
        items[change.key if change.kind == LINE_ITEM else str(change.after.get("line_item"))].append((change, outcome))
    return [_item_outcome(key, mine) for key, mine in items.items()]


def _item_outcome(key: str, mine: Acted) -> ItemOutcome:
    failed = [outcome for _, outcome in mine if outcome.status in (REFUSED, UNKNOWN)]
    words = next((outcome.message for outcome in failed if outcome.message), "")
    gone = any(change.key == key and change.action == REMOVE and outcome.status == DONE for change, outcome in mine)
    return ItemOutcome(key=key, done=len(mine) - len(failed), failed=len(failed), words=words, gone=gone)
