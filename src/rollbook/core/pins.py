"""Pins of an undo: which there are to be, and what they do to a desired roster (rule 28). Ends none by itself.

A pinned field is wanted as the undo left it, and a pinned link stays out or in, as long as the SIS says what it said
then. Where it says something else, the pin is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rollbook.core.duck import Connection, fill, quote
from rollbook.core.ledger_files import PAIRS, key_columns
from rollbook.core.protocols import Pin, PinPlace
from rollbook.core.stored import StoredPlan
from rollbook.roster.lms import FLAG, KEYS, KINDS

_COLUMNS = {
    "kind": "VARCHAR",
    "key": "VARCHAR",
    "field": "VARCHAR",
    "value": "VARCHAR",
    "sis": "VARCHAR",
    "school": "VARCHAR",
}
#: The value of a pin that keeps a link out, and what the SIS said of one that is kept in.
NOT_THERE = "null"
#: What a pin of an account's state names: it stays active, or inactive, as an undo left it (rule 13).
ACCOUNT = "active"


def pins_of(db: Connection, plan: StoredPlan) -> Iterator[Pin]:
    """What an undo did, as pins. Needs its plan views and `outcome`. A record that got its old key back is not pinned:
    the SIS's new key is proposed again and waits for a person."""
    for kind in plan.files:
        parts = [
            f"""SELECT '{name}', coalesce(CAST(after->'{name}' AS VARCHAR), '{NOT_THERE}'),
                       coalesce(CAST(before->'{name}' AS VARCHAR), '{NOT_THERE}'), key, school
                FROM did WHERE action = 'update' AND (after->'{name}') IS DISTINCT FROM (before->'{name}')"""
            for name in KINDS[kind].fields
        ]
        if kind == "user":
            parts.append(f"""
                SELECT '{ACCOUNT}', CAST(after->'active' AS VARCHAR), CAST(before->'active' AS VARCHAR), key, school
                FROM did WHERE action IN ('deactivate', 'revive')""")
        parts.append(f"SELECT '', after, '{NOT_THERE}', key, school FROM did WHERE action = 'create'")
        parts.append(f"SELECT '', '{NOT_THERE}', before, key, school FROM did WHERE action = 'remove'")
        rows = db.execute(f"""
            WITH did AS (SELECT p.* FROM plan_{kind} p JOIN outcome o USING (seq)
                         WHERE o.status = 'done' AND p.new_key IS NULL)
            {" UNION ALL ".join(parts)}""").fetchall()
        yield from (Pin(kind, key, field, value, sis, school) for field, value, sis, key, school in rows)


def merged(fresh: Iterable[Pin], there: Mapping[PinPlace, Pin]) -> tuple[list[Pin], list[PinPlace]]:
    """The pins to keep, and those that are over: where a pin was there, the undo saw its value and not the SIS's, and
    undoing the undo gives the SIS's value back."""
    kept, over = [], []
    for pin in fresh:
        old = there.get(pin.place)
        if old is None:
            kept.append(pin)
        elif pin.value == old.sis:
            over.append(pin.place)
        else:
            kept.append(Pin(*pin.place, pin.value, old.sis, pin.school))
    return kept, over


def load_pins(db: Connection, pins: Sequence[Pin]) -> None:
    """`pin`: the pins, and whether the SIS has ended them."""
    fill(db, "pin", _COLUMNS, [(*pin.place, pin.value, pin.sis, pin.school) for pin in pins])
    db.execute("ALTER TABLE pin ADD COLUMN ended BOOLEAN DEFAULT false")


def pin_fields(db: Connection, kind: str) -> None:
    """Desired fields as they are pinned."""
    for field in _fields(db, kind):
        same = f"p.kind = '{kind}' AND p.field = '{field}' AND d.key = p.key"
        says = f"coalesce(CAST(to_json(d.\"{field}\") AS VARCHAR), '{NOT_THERE}')"
        db.execute(f"UPDATE pin AS p SET ended = true FROM desired_{kind} d WHERE {same} AND {says} <> p.sis")
        db.execute(f"""
            UPDATE desired_{kind} AS d SET "{field}" = {_typed(kind, field)} FROM pin p
            WHERE {same} AND NOT p.ended""")


def pin_links(db: Connection, kind: str, wanted: str) -> None:
    """Changes of links as they are pinned. `wanted` is a query (key, admin, complete) of the pinned keys: what the SIS
    says of each, `admin` NULL where it has none, `complete` whether that can be known."""
    says = "coalesce(CAST(to_json(w.admin) AS VARCHAR), 'null')"
    kept = "CASE WHEN p.field = '' THEN coalesce(CAST(p.sis->'admin' AS VARCHAR), 'true') ELSE p.sis END"
    db.execute(f"""
        UPDATE pin AS p SET ended = true FROM ({wanted}) w WHERE p.kind = '{kind}' AND w.key = p.key AND (
            (w.admin IS NOT NULL AND (p.sis = '{NOT_THERE}' OR {says} <> {kept}))
            OR (w.admin IS NULL AND w.complete AND p.value = '{NOT_THERE}'))""")
    same = f"p.kind = '{kind}' AND p.key = changes_{kind}.key AND NOT p.ended"
    for action, side in (("create", "value"), ("remove", "sis")):
        db.execute(f"""
            DELETE FROM changes_{kind} USING pin p
            WHERE {same} AND p.field = '' AND p.{side} = '{NOT_THERE}' AND action = '{action}'""")
    if "admin" in KINDS[kind].fields:
        db.execute(f"""
            DELETE FROM changes_{kind} USING pin p WHERE {same} AND p.field = 'admin' AND action = 'update'
              AND CAST(before->'admin' AS VARCHAR) = p.value""")
        db.execute(f"""
            UPDATE changes_{kind} SET after = CAST(json_merge_patch(after, '{{"admin":' || p.value || '}}') AS VARCHAR)
            FROM pin p WHERE {same} AND p.field = 'admin' AND action IN ('create', 'update')""")


def pin_accounts(db: Connection, *, complete: bool) -> None:
    """End pins of accounts whose people have come or gone since; `complete` tells whether gone can be known."""
    there = "p.key IN (SELECT unique_id FROM present_user)"
    db.execute(f"""
        UPDATE pin AS p SET ended = true WHERE p.kind = 'user' AND p.field = '{ACCOUNT}'
          AND ((p.sis = 'false' AND {there}) OR (p.sis = 'true' AND {complete} AND NOT {there}))""")


def note_pins(db: Connection) -> None:
    """Every record that a pin keeps as it is, is a finding: pins are never silent."""
    db.execute(f"""
        INSERT INTO found BY NAME
        SELECT 'UNDO_PIN' AS code, kind AS collection, key AS id, any_value(school) AS school,
               string_agg(CASE WHEN field <> '' THEN field WHEN value = '{NOT_THERE}' THEN 'kept out'
                               ELSE 'kept in' END, ', ' ORDER BY field) AS detail
        FROM pin WHERE NOT ended GROUP BY kind, key ORDER BY kind, key""")


def ended_pins(db: Connection) -> list[PinPlace]:
    """Pins that the SIS has ended."""
    return db.execute("SELECT kind, key, field FROM pin WHERE ended ORDER BY ALL").fetchall()


def _fields(db: Connection, kind: str) -> list[str]:
    if kind in PAIRS:
        return []
    rows = db.execute(f"SELECT DISTINCT field FROM pin WHERE kind = {quote(kind)}").fetchall()
    return sorted({field for (field,) in rows} & (KINDS[kind].fields.keys() - set(key_columns(kind))))


def _typed(kind: str, field: str) -> str:
    declared = KINDS[kind].fields[field]
    if declared == KEYS:
        return "from_json(p.value, '[\"VARCHAR\"]')"
    text = "CAST(p.value AS JSON)->>'$'"
    return f"CAST({text} AS BOOLEAN)" if declared == FLAG else f"({text})"
