"""Live: what the LMS really holds, read into tables for first matching and drift. Writes nothing and decides nothing.

A field the LMS cannot show is taken from the ledger when both are compared; `live_fields` names what it showed of any
object of a kind, and `unseen` what of those it did not show of this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from rollbook.connectors.base import Target
from rollbook.core.duck import Connection, quote
from rollbook.core.protocols import Progress
from rollbook.roster.changes import LiveRecord
from rollbook.roster.lms import KEYS, KINDS

_META = {
    "lms_id": "VARCHAR",
    "code": "VARCHAR",
    "active": "BOOLEAN",
    "protected": "BOOLEAN",
    "unseen": "VARCHAR[]",
}


def declare_live(db: Connection) -> None:
    """Empty live tables for every kind, so that later stages need not ask whether one was read."""
    for kind in KINDS:
        declared = ", ".join(f'"{name}" {kind_}' for name, kind_ in {**_META, **KINDS[kind].fields}.items())
        db.execute(f"CREATE OR REPLACE TABLE live_{kind} ({declared})")
    db.execute("CREATE OR REPLACE TABLE live_fields (kind VARCHAR, field VARCHAR)")


def read_live(
    db: Connection, target: Target, kind: str, folder: Path, progress: Progress, *, within: Sequence[str] = ()
) -> int:
    """Read one kind into `live_<kind>`; LMS ids of parents become keys where the ledger knows them, else `id:…`."""
    ids = {parent: _keys_by_id(db, parent) for parent in set(KINDS[kind].parents.values()) if parent != "user"}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"live-{kind}.ndjson"
    shown: set[str] = set()
    number = 0
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for number, row in enumerate(_rows(target.read(kind, within=within), kind, ids, shown), start=1):
            file.write(encoder.encode(row) + b"\n")
            if number % 500 == 0:
                progress.update("match", number, None, kind)
    if number:
        declared = {**_META, **KINDS[kind].fields}
        columns = ", ".join(f"{quote(name)}: {quote(kind_)}" for name, kind_ in declared.items())
        db.execute(f"""
            INSERT INTO live_{kind} BY NAME FROM read_json({quote(path)}, format='newline_delimited',
            columns={{{columns}}})""")
    if kind == "enrollment" and target.traits.users_by_id:
        _tell_by_id(db)
    if shown:
        db.execute("INSERT INTO live_fields SELECT ?, unnest(?::VARCHAR[])", [kind, sorted(shown)])
    return number


def _tell_by_id(db: Connection) -> None:
    """Members by their accounts, where the ledger knows these: a person may have given themselves another's unique id.
    A member under the id of somebody who has another account is nobody's."""
    known = "SELECT key, lms_id FROM ledger_user WHERE lms_id IS NOT NULL"
    db.execute(f"""
        UPDATE live_enrollment SET code = NULL FROM ({known}) l
        WHERE l.key = split_part(code, '|', 2) AND live_enrollment."user" <> l.lms_id""")
    db.execute(f"""
        UPDATE live_enrollment SET code = section || '|' || l.key FROM ({known}) l
        WHERE live_enrollment."user" = l.lms_id AND NOT starts_with(section, 'id:')""")


def forget_live(db: Connection, kind: str) -> None:
    """As if the kind had not been read."""
    db.execute(f"DELETE FROM live_{kind}")
    db.execute("DELETE FROM live_fields WHERE kind = ?", [kind])


def _keys_by_id(db: Connection, kind: str) -> dict[str, str]:
    rows = db.execute(f"SELECT lms_id, min(key) FROM ledger_{kind} WHERE lms_id IS NOT NULL GROUP BY 1").fetchall()
    return dict(rows)


def _rows(
    records: Iterable[LiveRecord], kind: str, ids: Mapping[str, Mapping[str, str]], shown: set[str]
) -> Iterator[dict[str, object]]:
    traits = KINDS[kind]
    for record in records:
        fields = dict(record.fields)
        shown.update(fields)
        for field, parent in traits.parents.items():
            known = ids.get(parent)
            if known is None or field not in fields:
                continue
            value = fields[field]
            if traits.fields[field] == KEYS:
                fields[field] = sorted({known.get(item, f"id:{item}") for item in value or ()})
            elif value:
                fields[field] = known.get(value, f"id:{value}")
        own = {name: fields.get(name) for name in traits.fields}
        meta = {"lms_id": record.lms_id, "code": record.code, "active": record.active, "protected": record.protected}
        yield meta | {"unseen": [name for name in traits.fields if name not in fields]} | own
