"""Rows of a package of grades in a scratch file, found by sourcedId and by class: files can only be read from their
beginning. Disposable; touches no package."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rollbook.connectors.oneroster_csv.grades_tables import Cells

#: What a row belongs to, by kind; categories belong to no class.
_PLACE: Final = {"line_item": "classSourcedId", "result": "lineItemSourcedId"}


class RowStore:
    """Rows by kind. One thread at a time may use it."""

    def __init__(self, file: Path) -> None:
        """Begins empty, whatever an earlier process left there."""
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.executescript("""
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
            CREATE TABLE cells (no INTEGER PRIMARY KEY, kind TEXT, own TEXT, place TEXT, row TEXT, UNIQUE (kind, own));
            CREATE INDEX by_place ON cells (kind, place);""")

    def close(self) -> None:
        self._db.close()
        self._file.unlink(missing_ok=True)

    def put(self, kind: str, rows: Iterable[Cells]) -> None:
        """Take rows in, instead of those with the same sourcedId."""
        place = _PLACE.get(kind, "")
        values = ((kind, one["sourcedId"], one.get(place, ""), json.dumps(one)) for one in rows)
        self._db.execute("BEGIN")
        self._db.executemany(
            """INSERT INTO cells (kind, own, place, row) VALUES (?, ?, ?, ?)
               ON CONFLICT (kind, own) DO UPDATE SET place = excluded.place, row = excluded.row""",
            values,
        )
        self._db.execute("COMMIT")

    def of_class(self, kind: str, class_id: str) -> Iterator[Cells]:
        """Line items of a class, or results of its line items; all categories."""
        asked = {
            "line_item": "place = :class",
            "result": "place IN (SELECT own FROM cells WHERE kind = 'line_item' AND place = :class)",
        }.get(kind, "true")
        given = {"kind": kind, "class": class_id}
        rows = self._db.execute(f"SELECT row FROM cells WHERE kind = :kind AND {asked} ORDER BY no", given)
        return (json.loads(text) for (text,) in rows)

    def left(self, kind: str) -> Left:
        """The rows of a kind, to be taken out one by one."""
        return Left(self._db, kind)


class Left:
    """Rows of one kind that are taken out: by sourcedId, and in the end what is left."""

    def __init__(self, db: sqlite3.Connection, kind: str) -> None:
        self._db, self._kind = db, kind

    def pop(self, own: str, otherwise: Cells) -> Cells:
        gone = self._db.execute("DELETE FROM cells WHERE kind = ? AND own = ? RETURNING row", (self._kind, own))
        found = gone.fetchall()
        return json.loads(found[0][0]) if found else otherwise

    def values(self) -> Iterator[Cells]:
        rows = self._db.execute("SELECT row FROM cells WHERE kind = ? ORDER BY no", (self._kind,))
        return (json.loads(text) for (text,) in rows)

    def __bool__(self) -> bool:
        found = self._db.execute("SELECT 1 FROM cells WHERE kind = ? LIMIT 1", (self._kind,))
        return found.fetchone() is not None
