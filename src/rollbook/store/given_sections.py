"""The sections that Rollbook gave, as the roster's ledger knows them: only their grades go back. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.store.ledger import current_version


@dataclass(frozen=True, slots=True)
class GivenSection:
    """`code` is the class sourcedId, `school` the org it counts for."""

    code: str
    lms_id: str | None
    title: str
    school: str | None


def given_sections(organization: int, blobs: Blobs, year: str | None, only: Collection[str] = ()) -> list[GivenSection]:
    """Sections of this year (None: of the latest year that there is), all or those with these codes, in the order of
    their codes. Raises BlobLost."""
    key = current_version(organization).files.get("section")
    if key is None:
        return []
    path = quote(blobs.get(key, "the ledger of section"))
    with parquet_reader() as db:
        wanted = year or _latest(db.execute(f"SELECT max(year) FROM read_parquet({path})").fetchone())
        # Written out, a list lets DuckDB leave out parts of the file; as a parameter it does not.
        codes = ", ".join(quote(code) for code in only if "\0" not in code) or "NULL"
        some = f"key IN ({codes})" if only else "true"
        rows = db.execute(
            f"""SELECT key, lms_id, title, school FROM read_parquet({path})
                WHERE year = $year AND {some} ORDER BY key""",
            {"year": wanted},
        ).fetchall()
    return [GivenSection(code, lms_id, title or "", school) for code, lms_id, title, school in rows]


def periods_by_key(organization: int, blobs: Blobs) -> dict[str, str]:
    """LMS ids of the grading periods that the ledger knows, by their keys there. Raises BlobLost."""
    key = current_version(organization).files.get("grading_period")
    if key is None:
        return {}
    path = quote(blobs.get(key, "the ledger of grading_period"))
    with parquet_reader() as db:
        return dict(db.execute(f"SELECT key, lms_id FROM read_parquet({path}) WHERE lms_id IS NOT NULL").fetchall())


def _latest(row: tuple[str | None, ...] | None) -> str:
    return (row[0] if row else None) or ""
