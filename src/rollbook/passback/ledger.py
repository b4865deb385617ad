"""The grade ledger of a section: what was sent to the SIS last, and what it showed of that. One small Parquet file a
section, immutable. Moves no pointer and decides nothing.

A row is a line item or a result. `fields` is what was sent last, `sis` what the SIS showed of it when it was read back,
`tried` what may have arrived because an answer was lost; all three are JSON. `made` is false as long as it is not known
whether the object was ever made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from rollbook.core.duck import Connection, quote, write_parquet
from rollbook.core.protocols import Blobs
from rollbook.passback.grade_types import Entries, Entry, GradeLedgerVersion
from rollbook.passback.same import shows
from rollbook.roster.changes import DONE, UNKNOWN, Change, Fields, Outcome
from rollbook.roster.grades import GRADE_KINDS
from rollbook.roster.lms import CREATE, REMOVE, UPDATE

COLUMNS: Final = {
    "kind": "VARCHAR",
    "key": "VARCHAR",
    "lms_id": "VARCHAR",
    "fields": "VARCHAR",
    "sis": "VARCHAR",
    "tried": "VARCHAR",
    "made": "BOOLEAN",
}
#: What a SIS shows, by kind and sourcedId.
Live = Mapping[str, Mapping[str, Fields]]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def read_ledger(db: Connection, version: GradeLedgerVersion, blobs: Blobs, section: str) -> Entries:
    """The entries of a section's ledger, by kind and key. Raises BlobLost."""
    found: Entries = {kind: {} for kind in GRADE_KINDS}
    if version.blob is None:
        return found
    path = quote(blobs.get(version.blob, f"the grade ledger of section {section}"))
    for kind, key, lms_id, fields, sis, tried, made in db.execute(
        f"SELECT {', '.join(COLUMNS)} FROM read_parquet({path})"
    ).fetchall():
        found[kind][key] = Entry(
            key=key, lms_id=lms_id, fields=_decode(fields), sis=_maybe(sis), tried=_maybe(tried), made=made
        )
    return found


def read_ids(
    db: Connection, version: GradeLedgerVersion, blobs: Blobs, section: str
) -> tuple[dict[str, str], set[str]]:
    """Of a section's ledger: the SIS's own ids of line items by key, and keys of what may never have been made. Takes
    little, as most SISs use our ids. Raises BlobLost."""
    if version.blob is None:
        return {}, set()
    path = quote(blobs.get(version.blob, f"the grade ledger of section {section}"))
    rows = db.execute(
        f"SELECT kind, key, lms_id, made FROM read_parquet({path}) WHERE lms_id IS NOT NULL OR NOT made"
    ).fetchall()
    ids = {key: lms_id for kind, key, lms_id, _ in rows if kind == "line_item" and lms_id is not None}
    return ids, {key for _, key, _, made in rows if not made}


def write_ledger(db: Connection, entries: Entries, path: Path) -> None:
    """Write a section's ledger, in the order of kinds and keys."""
    rows = (
        (kind, key, one.lms_id, _text(one.fields), _text(one.sis), _text(one.tried), one.made)
        for kind in GRADE_KINDS
        for key, one in sorted(entries[kind].items())
    )
    lists = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in COLUMNS]
    parts = (f'unnest(CAST(${name} AS {kind}[])) AS "{name}"' for name, kind in COLUMNS.items())
    write_parquet(db, f"SELECT {', '.join(parts)}", path, dict(zip(COLUMNS, lists, strict=True)))


def settled(before: Entries, acted: Iterable[tuple[Change, Outcome]], live: Live) -> Entries:
    """The entries after changes whose outcome is known, or whose answer was lost. `live` is what the SIS showed when it
    was read back, by kind and sourcedId; a kind that was not read is absent."""
    found = {kind: dict(entries) for kind, entries in before.items()}
    for change, outcome in acted:
        mine, shown = found[change.kind], live.get(change.kind)
        lms_id = outcome.lms_id or change.lms_id
        own = lms_id if lms_id != change.key else None
        sis = shown.get(own or change.key) if shown is not None else None
        arrived = outcome.status == UNKNOWN and sis is not None and shows(sis, change.after)
        if change.action == REMOVE:
            if outcome.status == DONE:
                mine.pop(change.key, None)
            elif outcome.status == UNKNOWN and change.key in mine:  # it may be gone
                mine[change.key] = replace(mine[change.key], made=False)
        elif outcome.status == DONE or arrived:
            mine[change.key] = Entry(key=change.key, lms_id=own, fields=change.after, sis=sis)
        elif outcome.status == UNKNOWN:
            old = mine.get(change.key)
            unsure = Entry(key=change.key, lms_id=change.lms_id, fields=change.after, made=False)
            mine[change.key] = replace(old, tried=change.after) if old is not None and old.made else unsure
    return found


class GradeReferences:
    """The sourcedIds of line items that changes refer to, where the SIS made its own, and which are not there.
    Implements `core.apply.Ids`."""

    def __init__(self) -> None:
        """Knows nothing yet; `add` what `read_ids` tells of each section."""
        self._ids: dict[str, str] = {}
        self._doubted: set[str] = set()
        self._down: set[str] = set()
        self._needed: set[str | None] = set()  # line items of which a result could not be removed

    def add(self, ids: Mapping[str, str], doubted: set[str]) -> None:
        """Take in what a section's ledger knows."""
        self._ids.update(ids)
        self._doubted |= doubted

    def learn(self, change: Change, outcome: Outcome) -> None:
        if outcome.status == DONE:
            if change.kind == "line_item" and change.action != REMOVE:
                self._ids[change.key] = outcome.lms_id or change.lms_id or change.key
        elif change.action == CREATE:
            self._down.add(change.key)
        elif change.action == REMOVE and change.kind == "result":
            self._needed.add(change.after.get("line_item"))

    def doubted(self, change: Change) -> bool:
        return change.key in self._doubted

    def waits(self, change: Change) -> bool:
        if change.action == REMOVE:
            return change.kind == "line_item" and change.key in self._needed
        if change.action not in (CREATE, UPDATE):
            return False
        parents = (change.after.get(name) for name in GRADE_KINDS[change.kind].parents)
        return change.key in self._down or any(parent in self._down for parent in parents)

    def complete(self, changes: Sequence[Change]) -> list[Change]:
        return [self._complete(change) for change in changes]

    def _complete(self, change: Change) -> Change:
        line_item = change.after.get("line_item")
        if change.kind != "result" or line_item not in self._ids:
            return change
        return msgspec.structs.replace(change, refs={"line_item": self._ids[line_item]})


def _text(fields: Fields | None) -> str | None:
    return None if fields is None else _encode(fields).decode()


def _maybe(text: str | None) -> Fields | None:
    return None if text is None else _decode(text)
