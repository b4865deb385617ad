"""The findings of a run while it works, and their file. What they mean stands in `roster.findings`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rollbook.core.duck import Connection, quote, write_parquet
from rollbook.roster.findings import BLOCKS, FINDINGS

FINDING_COLUMNS: Final = (
    "code",
    "severity",
    "collection",
    "id",
    "school",
    "file",
    "line",
    "other",
    "detail",
    "dependants",
)


def create_found(db: Connection) -> None:
    """`found`: one row a finding. `id` is the record's key (sourcedId or LMS key), `other` a second record it clashes
    with or refers to, `dependants` how many records are held back because of it. `pages` are the
    files and answers that records came from."""
    db.execute("""
        CREATE TABLE found (code VARCHAR, collection VARCHAR, id VARCHAR, school VARCHAR, page INTEGER, file VARCHAR,
                            line BIGINT, other VARCHAR, detail VARCHAR, dependants BIGINT)""")
    db.execute("CREATE TABLE pages (page INTEGER, collection VARCHAR, name VARCHAR, path VARCHAR, body BOOLEAN)")


def count_findings(db: Connection) -> dict[str, int]:
    """How many there are of each code."""
    return dict(db.execute("SELECT code, count(*) FROM found GROUP BY 1 ORDER BY 1").fetchall())


def write_findings(db: Connection, path: Path) -> int:
    """All findings as Parquet, blocking ones and those with the most dependants first."""
    codes = ", ".join(quote(code) for code, finding in FINDINGS.items() if finding.severity == BLOCKS) or "''"
    return write_parquet(
        db,
        f"""
        SELECT code, CASE WHEN code IN ({codes}) THEN 'blocks' ELSE 'warns' END AS severity, collection, id, school,
               coalesce(file, p.name) AS file, line, other, detail, dependants
        FROM found LEFT JOIN (SELECT page, name FROM pages) p USING (page)
        ORDER BY severity, dependants DESC NULLS LAST, code, id""",
        path,
    )
