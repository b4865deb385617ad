"""What the roster files say of one class: its sessions and students. Reads each file once, into a small database in the
run's scratch folder, so that a district's enrollments need no memory."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from rollbook.connectors.base import ReadRequest, Row
from rollbook.connectors.gradebook import is_over
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource
from rollbook.connectors.oneroster_csv.text import encoding_of
from rollbook.errors import BadResponse
from rollbook.roster.grades import ClassFacts, Session, SisCategory

_TABLES: Final = """
CREATE TABLE class (id TEXT PRIMARY KEY, school TEXT, terms TEXT) WITHOUT ROWID;
CREATE TABLE session (id TEXT PRIMARY KEY, title TEXT, type TEXT, start TEXT, "end" TEXT, parent TEXT) WITHOUT ROWID;
CREATE TABLE student (class TEXT, id TEXT, "end" TEXT);
"""
_READ: Final = {
    "class": ("classes", ("sourcedId", "schoolSourcedId", "termSourcedIds")),
    "session": ("academicSessions", ("sourcedId", "title", "type", "startDate", "endDate", "parentSourcedId")),
    "student": ("enrollments", ("classSourcedId", "userSourcedId", "endDate")),
}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_GONE: Final = frozenset({"tobedeleted", "inactive"})


class RosterFiles:
    """Classes of one export."""

    def __init__(self, source: OneRosterCsvSource) -> None:
        self._source = source

    def class_facts(self, class_id: str) -> ClassFacts:
        """Raises BadResponse for a class that is not in the files, and for files that are not whole."""
        with closing(sqlite3.connect(self._database)) as db:
            found = db.execute("SELECT school, terms FROM class WHERE id = ?", (class_id,)).fetchone()
            if found is None:
                raise BadResponse("the files of the SIS have no such class (any more); sync Sections first")
            sessions = tuple(self._sessions(db, (found[1] or "").split(",")))
            last = max((each.end for each in sessions), default="")
            rows = db.execute('SELECT id, "end" FROM student WHERE class = ?', (class_id,)).fetchall()
        today = datetime.now(UTC).date().isoformat()
        students = frozenset(own for own, end in rows if own and not is_over(end or "", last, today))
        return ClassFacts(id=class_id, school=found[0] or None, sessions=sessions, students=students)

    def categories(self) -> list[SisCategory]:
        """Those of categories.csv; it may be missing."""
        member = self._source.package.find("categories")
        if member is None:
            return []
        path = self._source.fetch(member)
        with path.open(encoding=encoding_of(path), errors="replace", newline="") as file:
            rows = [{(key or "").lower(): text for key, text in row.items()} for row in csv.DictReader(file)]
        return [
            SisCategory(id=row["sourcedid"], title=row.get("title") or "", weight=_weight(row.get("weight")))
            for row in rows
            if row.get("sourcedid") and (row.get("status") or "").lower() not in _GONE
        ]

    @cached_property
    def _database(self) -> Path:
        folder = self._source.context.work
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "oneroster-csv-classes.sqlite3"
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("PRAGMA synchronous = OFF")
            db.executescript(_TABLES)
            for table, (collection, columns) in _READ.items():
                marks = ", ".join("?" * len(columns))
                rows = (tuple(_cell(row, name) for name in columns) for row in self._rows(collection))
                db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
            db.execute("CREATE INDEX student_class ON student (class)")
        return path

    def _rows(self, collection: str) -> Iterator[Row]:
        """Rows that count, of a file that is whole."""
        reading = self._source.read(ReadRequest(collection=collection))
        for page in reading:
            assert page.path is not None
            with page.path.open(encoding="utf-8-sig", newline="") as file:
                for cells in csv.DictReader(file):
                    row = {ours: (cells.get(theirs) or "").strip() for ours, theirs in page.columns.items()}
                    student = row.get("role", "").lower() == "student" or collection != "enrollments"
                    if student and row.get("status", "").lower() not in _GONE:
                        yield row
        if not reading.verdict.complete:
            raise BadResponse(f"{reading.verdict.reason}; nothing is concluded from a part")

    def _sessions(self, db: sqlite3.Connection, terms: list[str]) -> Iterator[Session]:
        """These sessions and all below them."""
        seen: set[str] = set()
        below = [term.strip() for term in terms if term.strip()]
        while below:
            own = below.pop(0)
            row = db.execute("SELECT * FROM session WHERE id = ?", (own,)).fetchone()
            if row is None or own in seen:
                continue
            seen.add(own)
            title, kind, start, end, parent = row[1:]
            yield Session(id=own, title=title, type=kind, start=start, end=end, parent=parent or None)
            below += [found for (found,) in db.execute("SELECT id FROM session WHERE parent = ? ORDER BY id", (own,))]


def _cell(row: Row, name: str) -> str:
    """A day in another form than the binding's says nothing here: nobody is taken for gone because of it."""
    text = row.get(name) or ""
    return text if not name.endswith("Date") else text[:10] if _DAY.match(text) else ""


def _weight(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
