"""Looks people and sections up in what the last runs have left: ledger, plans, findings, what was left out. Changes
nothing, and reads no file whole: filters on sorted columns, one or two columns of the ledger, and limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rollbook.core.duck import Connection, connect, quote
from rollbook.core.protocols import Blobs
from rollbook.store.ledger import current_version
from rollbook.store.readings import Reading, last_readings

Row = dict[str, Any]
#: Plans up to this size are searched whole; of larger ones only the parts of the schools in question.
_SMALL_BYTES: Final = 4 << 20
#: Sections that are shown of one person, and changes of one run.
MOST: Final = 200


class Files:
    """The files of one organization (its primary key), open for one request."""

    def __init__(self, db: Connection, organization: int, blobs: Blobs) -> None:
        self._db, self._blobs = db, blobs
        self.ledger = current_version(organization)
        self.readings = last_readings(organization)

    @property
    def newest(self) -> Reading | None:
        """The newest run that read the SIS."""
        return next((one for one in self.readings if one.fresh), None)

    def reading_of(self, kind: str, school: str | None) -> Reading | None:
        """The newest run that read the SIS and planned this kind at this school."""
        return next((one for one in self.readings if one.fresh and one.covers(kind, school)), None)

    # --- the ledger ---------------------------------------------------------------------------------------------------

    def given(self, kind: str, where: str, asked: Mapping[str, Any], most: int = MOST) -> list[Row]:
        """Rows of the ledger for a condition in SQL."""
        key = self.ledger.files.get(kind)
        if key is None:
            return []
        return self._rows(self._blobs.get(key, f"the ledger of {kind}"), f"{where} LIMIT {int(most)}", asked)

    def by_keys(self, kind: str, keys: Sequence[str], school: str | None = None) -> dict[str, Row]:
        """Rows of the ledger by key. Most of them are of `school`, where one looks first."""
        found: dict[str, Row] = {}
        for where in ("school = $school AND key IN $keys", "key IN $keys") if school else ("key IN $keys",):
            rest = sorted(set(keys) - found.keys())
            if rest:
                asked = {"keys": rest} | ({"school": school} if "$school" in where else {})
                found |= {row["key"]: row for row in self.given(kind, where, asked, len(rest))}
        return found

    # --- what the newest reading left out -----------------------------------------------------------------------------

    def left_out(self, kind: str, where: str, asked: Mapping[str, Any], most: int = MOST) -> list[Row]:
        """Rows of what the SIS lists and the LMS shall not have, as the newest reading kept them."""
        key = next((one.left_out for one in self.readings if one.fresh and one.left_out), {}).get(kind)
        if key is None:
            return []
        return self._rows(self._blobs.get(key, f"what was left out of {kind}"), f"{where} LIMIT {int(most)}", asked)

    # --- plans and findings -------------------------------------------------------------------------------------------

    def changes(
        self, reading: Reading, kind: str, where: str, asked: Mapping[str, Any], schools: Sequence[str]
    ) -> list[Row]:
        """Rows of a plan for a condition in SQL; of a large plan, only those of these schools."""
        key = reading.plan.files.get(kind)
        if key is None:
            return []
        path = self._blobs.get(key, f"the plan of {kind}")
        if schools and path.stat().st_size > _SMALL_BYTES:
            where, asked = f"school IN $schools AND ({where})", {**asked, "schools": list(schools)}
        return self._rows(path, f"{where} ORDER BY seq LIMIT {MOST}", asked)

    def findings(self, ids: Sequence[str], ending: str = "") -> list[Row]:
        """Findings of the newest reading that name one of these records, or an enrollment whose key ends like this."""
        reading = self.newest
        if reading is None or not reading.findings:
            return []
        where, asked = "id IN $ids OR (collection = 'enrollments' AND other IN $ids)", {"ids": list(ids)}
        if ending:
            where += " OR (collection = 'enrollment' AND ends_with(id, $ending))"
            asked["ending"] = ending  # type: ignore[assignment]
        return self._rows(self._blobs.get(reading.findings, "the findings"), f"({where}) LIMIT {MOST}", asked)

    def _rows(self, path: Path, where: str, asked: Mapping[str, Any]) -> list[Row]:
        cursor = self._db.execute(f"SELECT * FROM read_parquet({quote(path)}) WHERE {where}", dict(asked))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def files_of(organization: int, blobs: Blobs) -> Iterator[Files]:
    """Raises BlobLost when a file that should be there is not."""
    db = connect()
    try:
        yield Files(db, organization, blobs)
    finally:
        db.close()
