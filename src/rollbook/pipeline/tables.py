"""What stages hand to each other: the result of extract, and the small tables every stage may add to."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files

from rollbook.connectors.base import Page, SourceFinding, Verdict
from rollbook.core.duck import Connection
from rollbook.core.found import create_found


@dataclass
class Extracted:
    """What was read: pages on disk, a verdict per collection, and what the source itself noticed."""

    pages: dict[str, list[Page]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    findings: list[SourceFinding] = field(default_factory=list)

    def incomplete(self) -> list[str]:
        """Names of the collections of which a part may be missing."""
        return [name for name, verdict in self.verdicts.items() if not verdict.complete]


def create_shared_tables(db: Connection) -> None:
    """What stages may add to: findings, and what is known of the columns that were read."""
    create_found(db)
    db.execute("CREATE TABLE header_column (collection VARCHAR, name VARCHAR)")  # of files with a header
    db.execute("CREATE TABLE unknown_column (collection VARCHAR, name VARCHAR)")  # sent before, not today


def statements(name: str) -> list[tuple[str, str]]:
    """The named SQL statements of `sql/<name>.sql`: each begins with a line `-- name: …`."""
    text = files("rollbook.pipeline").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    parts = text.split("-- name: ")[1:]
    return [(title.strip(), body.strip().rstrip(";")) for title, _, body in (part.partition("\n") for part in parts)]
