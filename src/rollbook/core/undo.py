"""Undo: the inversion of what a plan did, guarded by the ledger (rule 28). Plans only; it is sent like any plan."""

from __future__ import annotations

from rollbook.core.changes_table import create_tables
from rollbook.core.duck import Connection
from rollbook.core.ledger_files import PAIRS, fields_json, key_text
from rollbook.core.stored import StoredPlan
from rollbook.roster.lms import KINDS


def invert(db: Connection, plan: StoredPlan) -> dict[str, int]:
    """Fill `changes_<kind>` with the inverse of what was done; returns, in words, what cannot be undone or moved on.

    Needs the ledger views, the plan views and `outcome`. A field goes back only where the ledger still equals the
    plan's `after`. What was made stays: users, courses, sections, periods and buildings are never deleted.
    """
    create_tables(db)
    notes: dict[str, int] = {}
    for kind in plan.files:
        db.execute(f"""
            CREATE OR REPLACE TABLE did AS
            SELECT p.*, l.fields AS now FROM plan_{kind} p JOIN outcome o ON o.seq = p.seq AND o.status = 'done'
            LEFT JOIN (SELECT {key_text(kind, "l")} AS key, {fields_json(kind, "l")} AS fields FROM ledger_{kind} l) l
              ON l.key = coalesce(p.new_key, p.key)""")
        if KINDS[kind].removable:
            _take_back(db, kind)
        else:
            _note(db, notes, f"{kind} stays: Rollbook never deletes one", "action = 'create'")
        _put_back(db, kind)
        _note(db, notes, f"{kind} stays linked", "action = 'adopt'")
        _note(
            db,
            notes,
            f"{kind} has changed since",
            f"action IN ('update', 'rekey') AND (now IS NULL OR {_moved_on(kind)})",
        )
    return notes


def _take_back(db: Connection, kind: str) -> None:
    """What was given is taken back, what was taken away is given again."""
    parents = "".join(f", fields->>'{name}' AS p_{name}" for name in PAIRS[kind])
    common = f"key, school, year, lms_id, fields AS after, 'send' AS state {parents}"
    db.execute(f"""
        INSERT INTO changes_{kind} BY NAME SELECT 'remove' AS action, fields AS before, {common}
        FROM (SELECT *, after AS fields FROM did WHERE action = 'create' AND now = after) ORDER BY school, key""")
    db.execute(f"""
        INSERT INTO changes_{kind} BY NAME SELECT 'create' AS action, {common}
        FROM (SELECT *, before AS fields FROM did WHERE action = 'remove' AND now IS NULL) ORDER BY school, key""")


def _put_back(db: Connection, kind: str) -> None:
    """Updates and re-keys, backwards: each field that is still as the plan left it, the others as they are now."""
    fields = ", ".join(
        f"'{name}', CASE WHEN {_text('now', name)} IS NOT DISTINCT FROM {_text('after', name)}"
        f" THEN before->'{name}' ELSE now->'{name}' END"
        for name in KINDS[kind].fields
    )
    db.execute(f"""
        INSERT INTO changes_{kind} BY NAME
        SELECT action, coalesce(new_key, key) AS key, CASE WHEN new_key IS NOT NULL THEN key END AS new_key, school,
               year, lms_id, now AS before, back AS after, 'send' AS state
        FROM (SELECT *, CAST(json_object({fields}) AS VARCHAR) AS back FROM did
              WHERE action IN ('update', 'rekey') AND now IS NOT NULL)
        WHERE back <> now OR new_key IS NOT NULL ORDER BY school, key""")


def _moved_on(kind: str) -> str:
    """Is a field that the plan changed not as the plan left it?"""
    return " OR ".join(
        f"({_text('before', name)} IS DISTINCT FROM {_text('after', name)}"
        f" AND {_text('now', name)} IS DISTINCT FROM {_text('after', name)})"
        for name in KINDS[kind].fields
    )


def _text(side: str, name: str) -> str:
    return f"CAST({side}->'{name}' AS VARCHAR)"


def _note(db: Connection, notes: dict[str, int], words: str, where: str) -> None:
    row = db.execute(f"SELECT count(*) FROM did WHERE {where}").fetchone()
    if row and row[0]:
        notes[words] = int(row[0])
