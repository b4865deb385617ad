"""Settle: plan × outcomes → the next version of each section's grade ledger, after reading back what the SIS shows.
Runs for every run that sent anything, failed and cancelled ones too. Sends nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec

from rollbook.core.duck import Connection
from rollbook.core.outcomes import load_outcomes, load_plan
from rollbook.core.stored import StoredPlan
from rollbook.errors import LeaseLost, RollbookError, RunCancelled
from rollbook.passback.grade_types import Entries, Found, GradeRequest, GradeWorld, ItemOutcome
from rollbook.passback.ledger import read_ledger, settled, write_ledger
from rollbook.passback.pins import keep_pins
from rollbook.passback.reading import read_live
from rollbook.passback.same import shown_otherwise
from rollbook.passback.undoing import Did
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, Fields, Outcome
from rollbook.roster.grades import GRADE_KINDS
from rollbook.roster.lms import REMOVE

LINE_ITEM, RESULT = "line_item", "result"
#: Rows that are fetched at a time.
_AT_ONCE: Final = 4096
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
    sizes = _sizes(db, plan)
    versions, settled_before = world.ledgers.currents(plan.sections), world.ledgers.advanced(plan.sections)
    for number, (section, acted) in enumerate(_by_section(db, plan, sizes)):
        world.progress.update("settle", number, len(sizes), section)
        findings: list[Found] = []
        if section not in settled_before:
            before = read_ledger(db, versions[section], world.blobs, section)
            findings = _settle(db, world, section, acted, before, base=plan.sections[section])
        world.notes.settled(section, _item_outcomes(acted), request.now, undone=plan.undo_of is not None)
        yield section, findings


def _settle(
    db: Connection, world: GradeWorld, section: str, acted: Acted, before: Entries, *, base: int
) -> list[Found]:
    live, findings = _read_back(world, section, acted)
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


def _sizes(db: Connection, plan: StoredPlan) -> dict[str, int]:
    """The sections in which something was tried, with how many rows each of them has."""
    tried = _tried(plan, "p.school")
    return dict(db.execute(f"SELECT school, count(*) FROM ({tried}) GROUP BY school ORDER BY school").fetchall())


def _tried(plan: StoredPlan, columns: str, where: str = "true") -> str:
    """A query for every row that was tried, with what became of it."""
    parts = [
        f"SELECT {columns} FROM plan_{kind} p JOIN outcome o USING (seq) WHERE o.status <> 'waiting' AND {where}"
        for kind in GRADE_KINDS
        if kind in plan.files
    ]
    return " UNION ALL ".join(parts) or "SELECT '' AS school WHERE false"


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


def _by_section(db: Connection, plan: StoredPlan, sizes: Mapping[str, int]) -> Iterator[tuple[str, Acted]]:
    """Each section with its rows. Some thousand rows are fetched at a time: one look for each section would cost more
    the more sections there are, and to sort all rows would take more memory."""
    sections: list[str] = []
    for section in sizes:
        sections.append(section)
        if sum(sizes[each] for each in sections) >= _AT_ONCE:
            yield from _fetched(db, plan, sections)
            sections = []
    if sections:
        yield from _fetched(db, plan, sections)


def _fetched(db: Connection, plan: StoredPlan, sections: Sequence[str]) -> Iterator[tuple[str, Acted]]:
    columns = "p.school, p.seq, p.kind, p.action, p.key, p.lms_id, p.after, o.status, o.lms_id AS sis_id, o.message"
    rows = db.execute(
        f"{_tried(plan, columns, 'p.school BETWEEN $first AND $last')} ORDER BY school, seq",
        {"first": sections[0], "last": sections[-1]},
    ).fetchall()
    for section, group in groupby(rows, key=itemgetter(0)):
        yield section, [_one(row) for row in group]


def _one(row: tuple[Any, ...]) -> tuple[Change, Outcome]:
    _, seq, kind, action, key, lms_id, after, status, sis_id, message = row
    fields = _decode(after) if after else {}
    change = Change(seq=seq, kind=kind, action=action, key=key, lms_id=lms_id, after=fields)
    return change, Outcome(status=status, lms_id=sis_id, message=message or "")


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
