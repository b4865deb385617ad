"""Snapshots: the SIS as last read whole, kept where delta reads are allowed, so that a delta has something to change.

A delta may only add, change or mark `tobedeleted`; what it does not name stays as it was (design: delta reads). The
watermark moves together with the snapshot, per collection, 15 minutes early.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rollbook.connectors.base import SourceFinding, Verdict
from rollbook.core.duck import Connection, quote, texts, write_parquet
from rollbook.pipeline.run_types import Request, World
from rollbook.pipeline.tables import Extracted
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.roster.reasons import because

OVERLAP = timedelta(minutes=15)
FULL_READ_EVERY = timedelta(days=7)


class Snapshots:
    """One run's dealings with the snapshot. Keeps none where `sis.delta` is off, but judges deltas that come anyway."""

    def __init__(self, db: Connection, request: Request, world: World) -> None:
        self._db, self._request, self._world = db, request, world
        self._kept: Mapping[str, Any] = {}
        if request.settings.sis.delta:
            self._kept = dict(world.memory.facts().get("snapshot") or {})
        self._nested_roles = False

    def watermarks(self) -> dict[str, datetime]:
        """Since when each collection may be read as a delta; empty when a full read is due: weekly, and whenever the
        settings (year, connection, options) changed."""
        kept, now = self._kept, self._request.now
        if not kept or kept["settings"] != self._request.settings_digest:
            return {}
        if now - datetime.fromisoformat(kept["full"]) >= FULL_READ_EVERY:
            return {}
        return {name: datetime.fromisoformat(moment) for name, moment in kept["watermarks"].items()}

    def judge(self, extracted: Extracted) -> Callable[[str], None] | None:
        """How to complete what was read: None for whole reads, else what to call per collection. A delta without a
        snapshot is an incomplete read; a collection that a delta package leaves out is unchanged."""
        deltas = {name for name, verdict in extracted.verdicts.items() if verdict.mode == "delta"}
        if not deltas:
            return None
        files = self._kept.get("files") or {}
        for name in deltas - set(files):
            reason = because("no_snapshot")
            extracted.verdicts[name] = replace(extracted.verdicts[name], complete=False, reason=reason)
            finding = SourceFinding(code="SOURCE_INCOMPLETE", collection=name, details={"reason": reason})
            extracted.findings.append(finding)
        self._nested_roles = "roles" not in extracted.verdicts
        unchanged = {name for name in files if extracted.verdicts.get(name, _ABSENT).mode == "absent"}
        for name in unchanged & set(extracted.verdicts):
            extracted.verdicts[name] = replace(extracted.verdicts[name], complete=True, reason="")
        wanted = (deltas | unchanged) & set(files)
        return lambda name: self._merge(name, wanted, files)

    def _merge(self, name: str, wanted: set[str], files: Mapping[str, str]) -> None:
        if name in wanted:
            _merge(
                self._db,
                name,
                self._world.blobs.get(files[name], f"the snapshot of {name}"),
                nested_roles=self._nested_roles,
            )

    def keep(self, extracted: Extracted) -> dict[str, Any]:
        """Store the staged tables as they now are; returns the facts to remember. Only after a complete read."""
        if not self._request.settings.sis.delta:
            return {}
        files = {}
        for name in COLLECTIONS:
            path = self._world.work / f"snapshot-{name}.parquet"
            write_parquet(self._db, _query(name), path)
            files[name] = self._world.blobs.put(path)
        verdicts = extracted.verdicts
        was_delta = any(verdict.mode == "delta" for verdict in verdicts.values())
        moments = {name: (v.watermark - OVERLAP).isoformat() for name, v in verdicts.items() if v.watermark}
        now = self._request.now.isoformat()
        full = self._kept.get("full", now) if was_delta else now
        digest = self._request.settings_digest
        return {"snapshot": {"files": files, "watermarks": moments, "full": full, "settings": digest}}


_ABSENT = Verdict(collection="", complete=True, mode="absent")


def _merge(db: Connection, name: str, snapshot: Path, *, nested_roles: bool) -> None:
    """Add to a freshly loaded delta what it does not speak of."""
    columns = ", ".join(f'k."{column}"' for column in _kept(name))
    unspoken = f'k."sourcedId" NOT IN (SELECT "sourcedId" FROM {name} WHERE "sourcedId" IS NOT NULL)'
    if name == "roles" and nested_roles:
        unspoken = 'k."userSourcedId" NOT IN (SELECT id FROM delta_users)'
    if name == "users":
        db.execute('CREATE OR REPLACE TABLE delta_users AS SELECT "sourcedId" AS id FROM users')
    nothing = "SELECT CAST(NULL AS VARCHAR) AS odd WHERE false"  # older snapshots lack it
    old = f"FROM ({nothing} UNION ALL BY NAME FROM read_parquet({quote(snapshot)})) k"
    _fill_left_out(db, name, old)
    if name != "enrollments":
        db.execute(f"INSERT INTO {name} BY NAME SELECT {columns}, k.gone, k.odd {old} WHERE coalesce({unspoken}, true)")
        return
    rest = ", ".join(f'k."{c}"' for c in _kept(name) if c not in ("classSourcedId", "userSourcedId"))
    db.execute(f"""
        INSERT INTO enrollments BY NAME
        SELECT {rest}, k.gone, k.odd, c.no AS class_no, u.no AS user_no,
               CASE WHEN c.no IS NULL THEN k."classSourcedId" END AS "classSourcedId",
               CASE WHEN u.no IS NULL THEN k."userSourcedId" END AS "userSourcedId"
        {old} LEFT JOIN classes_no c ON c.id = k."classSourcedId" LEFT JOIN users_no u ON u.id = k."userSourcedId"
        WHERE coalesce({unspoken}, true)""")


def _fill_left_out(db: Connection, name: str, old: str) -> None:
    """Columns that a delta's file does not have are unchanged in the records that it has."""
    header = texts(db, "SELECT name FROM header_column WHERE collection = $name", {"name": name})
    left_out = [column for column in _kept(name) if column not in header] if header else []
    if left_out:
        values = ", ".join(f'"{column}" = k."{column}"' for column in left_out)
        odd = ", ".join(f"CASE WHEN contains(k.odd, '{column} ') THEN '{column} ' END" for column in left_out)
        values += f", odd = nullif(concat({name}.odd, {odd}), '')"
        db.execute(f'UPDATE {name} SET {values} {old} WHERE k."sourcedId" = {name}."sourcedId"')


def _kept(name: str) -> list[str]:
    return [column for column in COLLECTIONS[name].columns if column not in ("status", "dateLastModified")]


def _query(name: str) -> str:
    if name != "enrollments":
        return f"SELECT {', '.join(f'{chr(34)}{c}{chr(34)}' for c in _kept(name))}, gone, odd FROM {name}"
    rest = ", ".join(f'e."{c}"' for c in _kept(name) if c not in ("classSourcedId", "userSourcedId"))
    return f"""
        SELECT {rest}, e.gone, e.odd, coalesce(c."sourcedId", e."classSourcedId") AS "classSourcedId",
               coalesce(u."sourcedId", e."userSourcedId") AS "userSourcedId"
        FROM enrollments e LEFT JOIN classes c ON c.rowid = e.class_no LEFT JOIN users u ON u.rowid = e.user_no"""
