"""Looks people and sections up in what the last runs have left: ledger, plans, findings, what was left out. Changes
nothing, and reads no file whole: filters on sorted columns, one or two columns of the ledger, and limits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rollbook.core.duck import Connection, parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.store.ledger import current_version
from rollbook.store.people import people_of
from rollbook.store.readings import Reading, last_readings
from rollbook.store.sis_snapshot import snapshot_of

Row = dict[str, Any]
#: Plans up to this size are searched whole; of larger ones only the parts of the schools in question.
_SMALL_BYTES: Final = 4 << 20
#: Sections that are shown of one person, and changes of one run.
MOST: Final = 200


class Files:
    """The files of one organization (its primary key), open for one request. `other_id`: people's unique id is not
    their sourcedId."""

    def __init__(self, db: Connection, organization: int, blobs: Blobs, *, other_id: bool) -> None:
        self._db, self._blobs = db, blobs
        self.other_id = other_id
        self.ledger = current_version(organization)
        self.readings = last_readings(organization)
        self.snapshot = snapshot_of(organization)
        self.people = people_of(db, self.ledger.files, blobs)

    @property
    def newest(self) -> Reading | None:
        """The newest run that read the SIS."""
        return next((one for one in self.readings if one.fresh), None)

    def reading_of(self, kind: str, school: str | None) -> Reading | None:
        """The newest run that read the SIS and planned this kind at this school."""
        return next((one for one in self.readings if one.fresh and one.covers(kind, school)), None)

    # --- the ledger ---------------------------------------------------------------------------------------------------

    def given(
        self, kind: str, where: str, asked: Mapping[str, Any], most: int = MOST, columns: Sequence[str] = ()
    ) -> list[Row]:
        """Rows of the ledger for a condition in SQL. Whole ones, or only these columns: each one more takes longer."""
        key = self.ledger.files.get(kind)
        if key is None:
            return []
        chosen = ", ".join(f'"{column}"' for column in columns) or "*"
        path = self._blobs.get(key, f"the ledger of {kind}")
        return self._rows(path, f"{where} LIMIT {int(most)}", asked, columns=chosen)

    def scan(self, kind: str, where: str, asked: Mapping[str, Any], most: int, *, first: str = "") -> list[Row]:
        """As `given`, for columns that the file is not sorted by: only what the condition speaks of is read of all.
        Rows for which `first` is true, a condition too, come before others."""
        key = self.ledger.files.get(kind)
        if key is None:
            return []
        path = self._blobs.get(key, f"the ledger of {kind}")
        found = self._db.execute(
            f"""SELECT file_row_number FROM read_parquet({quote(path)}, file_row_number = true)
                WHERE {where} {f"ORDER BY {first} DESC, file_row_number" if first else ""} LIMIT {int(most)}""",
            dict(asked),
        ).fetchall()
        if not found:
            return []
        rows = ", ".join(str(number) for (number,) in found)
        return self._rows(path, f"file_row_number IN ({rows})", {}, "file_row_number = true")

    def by_keys(
        self, kind: str, keys: Sequence[str], school: str | None = None, columns: Sequence[str] = ()
    ) -> dict[str, Row]:
        """Rows of the ledger by key. Most of them are of `school`, where one looks first. `columns` as for `given`; the
        key must be one of them."""
        found: dict[str, Row] = {}
        for place in (f"school = {quote(school)} AND ", "") if school else ("",):
            rest = sorted(set(keys) - found.keys())
            if rest:
                where = f"{place}key IN {_literal(rest)}"
                found |= {row["key"]: row for row in self.given(kind, where, {}, len(rest), columns)}
        return found

    # --- what the newest reading left out -----------------------------------------------------------------------------

    def left_out(self, kind: str, where: str, asked: Mapping[str, Any], most: int = MOST) -> list[Row]:
        """Rows of what the SIS lists and the LMS shall not have, as the newest reading kept them."""
        key = next((one.left_out for one in self.readings if one.fresh and one.left_out), {}).get(kind)
        if key is None:
            return []
        return self._rows(self._blobs.get(key, f"what was left out of {kind}"), f"{where} LIMIT {int(most)}", asked)

    # --- what delta reads know ----------------------------------------------------------------------------------------

    def listed(self, collection: str, **asked: str | None) -> list[Row]:
        """Records of the SIS's snapshot with these values; none where there is no snapshot."""
        known = {column: value for column, value in asked.items() if value}
        if self.snapshot is None or len(known) < len(asked):
            return []
        return self.snapshot.rows(self._db, self._blobs, collection, known, MOST)

    # --- plans and findings -------------------------------------------------------------------------------------------

    def changes(
        self, readings: Sequence[Reading], kind: str, where: str, asked: Mapping[str, Any], schools: Sequence[str]
    ) -> list[tuple[Reading, Row]]:
        """Rows of these runs' plans for a condition in SQL, in the order of the runs; of large plans, only those of
        these schools. At most MOST of each plan."""
        plans: dict[str, list[Reading]] = {}  # a run that sends the plan of another one has its files
        small: set[str] = set()
        large: set[str] = set()
        for reading in readings:
            if kind in reading.plan.files:
                path = self._blobs.get(reading.plan.files[kind], f"the plan of {kind}")
                plans.setdefault(str(path), []).append(reading)
                (small if not schools or path.stat().st_size <= _SMALL_BYTES else large).add(str(path))
        seqs = self._seqs(small, f"({where})", asked)
        seqs |= self._seqs(large, f"school IN {_literal(schools)} AND ({where})", asked)
        found = []
        for file, numbers in seqs.items():
            only = f"seq BETWEEN {min(numbers)} AND {max(numbers)} AND seq IN ({', '.join(map(str, numbers))})"
            rows = self._rows(Path(file), f"{only} ORDER BY seq", {})
            found += [(reading, row) for reading in plans[file] for row in rows]
        order = {reading.run: place for place, reading in enumerate(readings)}
        return sorted(found, key=lambda one: (order[one[0].run], one[1]["seq"]))

    def _seqs(self, paths: Collection[str], where: str, asked: Mapping[str, Any]) -> dict[str, list[int]]:
        """By plan: the numbers of its rows that fit. Only what the condition speaks of is read of all rows."""
        found: dict[str, list[int]] = {}
        if paths:
            some = f"{where} ORDER BY filename, seq LIMIT {MOST * len(paths)}"
            for row in self._rows(sorted(paths), some, asked, "filename = true", columns="filename, seq"):
                numbers = found.setdefault(row["filename"], [])
                if len(numbers) < MOST:
                    numbers.append(row["seq"])
        return found

    def findings(self, ids: Sequence[str], ending: str = "") -> list[Row]:
        """Findings of the newest reading that name one of these records, or an enrollment whose key ends like this."""
        reading = self.newest
        if reading is None or not reading.findings:
            return []
        where = f"id IN {_literal(ids)} OR (collection = 'enrollments' AND other IN {_literal(ids)})"
        if ending:
            where += f" OR (collection = 'enrollment' AND ends_with(id, {quote(ending)}))"
        return self._rows(self._blobs.get(reading.findings, "the findings"), f"({where}) LIMIT {MOST}", {})

    def _rows(
        self,
        path: Path | Sequence[str],
        where: str,
        asked: Mapping[str, Any],
        option: str = "",
        *,
        columns: str = "*",
    ) -> list[Row]:
        files = quote(path) if isinstance(path, Path) else f"[{', '.join(quote(one) for one in path)}]"
        file = f"read_parquet({files}{', ' if option else ''}{option})"
        cursor = self._db.execute(f"SELECT {columns} FROM {file} WHERE {where}", dict(asked))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _literal(values: Sequence[str]) -> str:
    """A list for IN, written out: DuckDB leaves out parts of a file by such a list, not by one that is a parameter."""
    return f"({', '.join(quote(value) for value in values) or 'NULL'})"


@contextmanager
def files_of(organization: int, blobs: Blobs, *, other_id: bool) -> Iterator[Files]:
    """Raises BlobLost when a file that should be there is not."""
    with parquet_reader() as db:
        yield Files(db, organization, blobs, other_id=other_id)
