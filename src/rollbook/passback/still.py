"""Is the SIS still as it was when a plan of grades was made? What is sent later must not write over what somebody has
changed there since. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from rollbook.core.changes_table import SEND
from rollbook.core.duck import Connection, quote
from rollbook.core.stored import StoredPlan
from rollbook.errors import StalePlan
from rollbook.passback.compare import LINE_ITEM, RESULT, Results, Side
from rollbook.passback.grade_types import GradeWorld
from rollbook.passback.ledger import read_ledger
from rollbook.passback.reading import read_live
from rollbook.passback.same import moved, shows
from rollbook.roster.changes import Fields
from rollbook.roster.lms import ADOPT, CREATE, REMOVE

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
#: Action, key, id in the SIS, before, after.
_Row = tuple[str, str, str | None, str | None, str]


def check_sis(db: Connection, plan: StoredPlan, world: GradeWorld) -> None:
    """Raises StalePlan where a line item or result that is to be written is not as it was planned upon, and what a
    connector raises where the SIS does not say."""
    versions = world.ledgers.currents(plan.sections)
    for section in plan.sections:
        rows = {kind: list(_planned(db, plan, world, kind, section)) for kind in (LINE_ITEM, RESULT)}
        if not any(rows.values()):
            continue
        had, live = read_ledger(db, versions[section], world.blobs, section), read_live(world.sink, section)
        items = Side(LINE_ITEM, had[LINE_ITEM], live.get(LINE_ITEM, {}))
        results = Results(RESULT, had[RESULT], live.get(RESULT, {}), items=items)
        sides: Mapping[str, Side] = {LINE_ITEM: items, RESULT: results}
        if not all(_is_same(row, sides[kind]) for kind, mine in rows.items() for row in mine):
            raise StalePlan("somebody changed grades in the SIS since this plan was made; plan again")


def _planned(db: Connection, plan: StoredPlan, world: GradeWorld, kind: str, section: str) -> Iterator[_Row]:
    if kind in plan.files:
        path = quote(world.blobs.get(plan.files[kind], f"the plan of {kind}"))
        yield from db.execute(
            f"""SELECT action, key, lms_id, before, after FROM read_parquet({path})
                WHERE school = $section AND state = '{SEND}' AND action <> '{ADOPT}'""",
            {"section": section},
        ).fetchall()


def _is_same(row: _Row, side: Side) -> bool:
    action, key, lms_id, before, after = row
    entry, live = side.had.get(key), side.live.get(lms_id or side.own_id(key))
    if action == CREATE:
        theirs = side.theirs(_decode(after)) if isinstance(side, Results) else None
        return live is None and theirs is None
    if live is None:
        return action == REMOVE  # somebody was quicker
    known: Fields = _decode(before) if before else {}
    return (entry is not None and not moved(live, entry)) or (bool(known) and shows(live, known))
