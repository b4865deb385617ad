"""The stored plan: written once in apply order, read slice by slice. Sends nothing (principle 2: only it is sent)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from rollbook.connectors.base import TargetTraits
from rollbook.core.changes_table import BLOCKED, HELD, SEND, WAITING
from rollbook.core.duck import Connection, quote, write_parquet
from rollbook.core.protocols import Blobs
from rollbook.core.stored import Group, StoredPlan
from rollbook.roster.changes import Change
from rollbook.roster.lms import ACTIONS, DEACTIVATE, KINDS, REMOVE, Kind

#: Rows that are read for a slice of a thousand: few, for little memory and because they are read again for each slice.
_GROUP_ROWS = 16_384
_ROW = "action, key, new_key, school, year, lms_id, before, after, state, reason"


@dataclass(frozen=True)
class Slice:
    """One call group: changes of one kind and action, sent before the next slice begins."""

    number: int
    kind: str
    action: str
    first_seq: int
    last_seq: int


def write_plan(
    db: Connection,
    folder: Path,
    blobs: Blobs,
    traits: TargetTraits,
    *,
    ledger_version: int,
    settings_digest: str,
    year: str | None,
    undo_of: str | None = None,
    kinds: Mapping[str, Kind] = KINDS,
    removals_first: bool = False,
    sections: Mapping[str, int] = MappingProxyType({}),
) -> StoredPlan:
    """Write `changes_<kind>` down, sendable changes first, in apply order; returns what the store keeps. Deactivations
    are numbered within their kind and sent last. With `removals_first`, removals are sent before everything else,
    children before their parents. `sections`: the versions of the ledgers that each section has of its own."""
    files: dict[str, str] = {}
    groups: list[Group] = []
    digest = hashlib.sha256(_bound_to(ledger_version, settings_digest, sections))
    seq = 0
    for kind, counts in _counts(db, kinds).items():
        path = folder / f"plan-{kind}.parquet"
        groups += _groups(kind, counts, seq, _slice_size(traits, kind))
        seq += write_parquet(db, _ordered(kind, counts, seq), path, rows=_GROUP_ROWS)
        digest.update(kind.encode() + _file_digest(path))
        files[kind] = blobs.put(path)
    return StoredPlan(
        digest=digest.hexdigest()[:32],
        ledger_version=ledger_version,
        settings_digest=settings_digest,
        files=files,
        groups=_in_order(groups, removals_first=removals_first),
        year=year,
        undo_of=undo_of,
        sections=dict(sections),
    )


def _bound_to(ledger_version: int, settings_digest: str, sections: Mapping[str, int]) -> bytes:
    """What the plan may be carried out with, as its digest begins."""
    bound = [f"{ledger_version}|{settings_digest}", *(f"{code}:{number}" for code, number in sections.items())]
    return "|".join(bound).encode()


def _groups(kind: str, counts: dict[tuple[str, str], int], seq: int, slice_size: int) -> Iterator[Group]:
    """The sendable changes of a kind, whose first row is `seq`."""
    for action in ACTIONS:
        number = counts.get((SEND, action), 0)
        if number:
            yield Group(kind, action, seq, number, slice_size)
        seq += number


def _in_order(groups: list[Group], *, removals_first: bool) -> list[Group]:
    if not removals_first:
        return sorted(groups, key=lambda group: group.action == DEACTIVATE)
    removals = [group for group in groups if group.action == REMOVE]
    return removals[::-1] + [group for group in groups if group.action != REMOVE]


def _counts(db: Connection, kinds: Iterable[str]) -> dict[str, dict[tuple[str, str], int]]:
    """How many changes of each state and action there are, by kind, in the order of the kinds; of those with any."""
    each = [f"SELECT '{kind}', state, action, count(*) FROM changes_{kind} GROUP BY state, action" for kind in kinds]
    found: dict[str, dict[tuple[str, str], int]] = {}
    for kind, state, action, number in db.execute(" UNION ALL ".join(each)).fetchall():
        found.setdefault(kind, {})[state, action] = number
    return {kind: found[kind] for kind in kinds if kind in found}


def _ordered(kind: str, counts: dict[tuple[str, str], int], start: int) -> str:
    """Groups one after the other; within a group the order of insertion, which is by school and key."""
    parts = [
        f"SELECT {_ROW} FROM changes_{kind} WHERE state = '{state}' AND action = '{action}'"
        for state in (SEND, HELD, WAITING, BLOCKED)
        for action in ACTIONS
        if (state, action) in counts
    ]
    return f"SELECT row_number() OVER () - 1 + {start} AS seq, '{kind}' AS kind, * FROM ({' UNION ALL '.join(parts)})"


def _slice_size(traits: TargetTraits, kind: str) -> int:
    bulk = traits.bulk.get(kind, 1)
    return max(bulk, traits.slice_size // bulk * bulk)


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def slices(plan: StoredPlan) -> Iterator[Slice]:
    """The slices of a plan, in order, numbered from 0."""
    number = 0
    for group in plan.groups:
        end = group.first_seq + group.count
        for first in range(group.first_seq, end, group.slice_size):
            yield Slice(number, group.kind, group.action, first, min(first + group.slice_size, end) - 1)
            number += 1


class PlanReader:
    """Reads slices of a stored plan."""

    def __init__(self, db: Connection, plan: StoredPlan, blobs: Blobs) -> None:
        self._db = db
        db.execute("SET parquet_metadata_cache = true")  # where the groups are is looked up for each slice
        self._files = {kind: quote(blobs.get(key, f"the plan of {kind}")) for kind, key in plan.files.items()}
        self._decode = msgspec.json.Decoder(dict[str, Any]).decode

    def changes(self, part: Slice) -> list[Change]:
        """The changes of a slice, in order, without references (see `core.references`)."""
        rows = self._db.execute(
            f"""SELECT seq, key, new_key, lms_id, before, after FROM read_parquet({self._files[part.kind]})
                WHERE seq BETWEEN {part.first_seq} AND {part.last_seq} ORDER BY seq"""
        ).fetchall()
        return [self._change(part, row) for row in rows]

    def _change(self, part: Slice, row: tuple[Any, ...]) -> Change:
        seq, key, new_key, lms_id, before, after = row
        wanted = self._decode(after) if after else {}
        had = self._decode(before) if before else {}
        differing = {name: value for name, value in had.items() if wanted.get(name) != value}
        return Change(
            seq=seq,
            kind=part.kind,
            action=part.action,
            key=key,
            new_key=new_key,
            lms_id=lms_id,
            after=wanted,
            before=differing,
        )
