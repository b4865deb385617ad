"""What the tests of the CSV source share: small exports in a folder, and reading them as the river does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from rollbook.connectors.base import ReadRequest, SourceFinding, Verdict
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource
from rollbook.testing import make_context

USERS = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,familyName"
ZOE = "u1,,,true,o1,student,zoe,Zoë,Ångström"
LI = 'u2,,,true,o1,teacher,li,"李, 小龍",Li'


class Export:
    """A folder of files under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def source(self, path: Path | None = None, **options: Any) -> OneRosterCsvSource:
        work = self.folder.parent / "work"
        work.mkdir(exist_ok=True)
        return OneRosterCsvSource(OneRosterCsvOptions(path=str(path or self.folder), **options), make_context(work))

    def read(
        self, name: str = "users", **options: Any
    ) -> tuple[list[dict[str, str | None]], Verdict, list[SourceFinding]]:
        return read(self.source(**options), name)


def read(source: OneRosterCsvSource, name: str) -> tuple[list[dict[str, str | None]], Verdict, list[SourceFinding]]:
    """Rows of a collection as DuckDB reads them (lists of columns by our names), verdict, findings."""
    reading = source.read(ReadRequest(collection=name))
    rows = [row for page in reading for row in duck_rows(page.path, page.columns)]
    return rows, reading.verdict, list(reading.findings)


def duck_rows(path: Path | None, columns: Any) -> list[dict[str, str | None]]:
    assert path is not None
    selected = ", ".join(f'"{theirs}" AS "{ours}"' for ours, theirs in columns.items())
    query = f"""SELECT {selected} FROM read_csv('{path}', delim=',', quote='"', escape='"', header=true,
                all_varchar=true, strict_mode=true, null_padding=false)"""
    result = duckdb.connect().execute(query)
    names = [each[0] for each in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def codes(findings: list[SourceFinding]) -> set[str]:
    return {finding.code for finding in findings}
