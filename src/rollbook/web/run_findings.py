"""A run's findings by cause, with a few places each, from its file. Files never change, so what was read is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.utils.translation import get_language, gettext

from rollbook.core.duck import Connection, parquet_reader, quote
from rollbook.roster.findings import FINDINGS

#: Places shown of each cause; the download has all.
EXAMPLES: Final = 10
COLUMNS: Final = ("code", "severity", "collection", "id", "school", "file", "line", "other", "detail", "dependants")
_AT_ONCE: Final = 2000


def groups(path: Path, *, school: str, collections: Sequence[str]) -> list[dict[str, Any]]:
    """Findings by cause, those that block and the frequent ones first. An empty `school` or no `collections`: all."""
    return list(_groups(str(path), school, tuple(collections), get_language()))


@lru_cache(maxsize=64)  # `language` is the one of the texts
def _groups(path: str, school: str, collections: tuple[str, ...], language: str | None) -> tuple[dict[str, Any], ...]:
    where, given = _where(school, collections)
    with parquet_reader() as db:
        counted = db.execute(
            f"""SELECT code, any_value(severity), count(*), min(file_row_number, {EXAMPLES})
                FROM read_parquet({quote(path)}, file_row_number = true) WHERE {where} GROUP BY code""",
            given,
        ).fetchall()
        places = _places(db, path, [row for *_, rows in counted for row in rows])
    found = [_group(code, severity, number, [places[row] for row in rows]) for code, severity, number, rows in counted]
    return tuple(sorted(found, key=lambda one: (one["severity"] != "blocks", -one["count"], one["code"])))


def _places(db: Connection, path: str, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    """By row number: the row."""
    if not rows:
        return {}
    cursor = db.execute(
        f"""SELECT file_row_number, {", ".join(COLUMNS)} FROM read_parquet({quote(path)}, file_row_number = true)
            WHERE file_row_number IN ({", ".join(map(str, rows))})"""
    )
    return {number: dict(zip(COLUMNS, values, strict=True)) for number, *values in cursor.fetchall()}


def _group(code: str, severity: str, number: int, places: list[dict[str, Any]]) -> dict[str, Any]:
    known = FINDINGS.get(code)
    return {
        "code": code,
        "severity": severity,
        "sentence": gettext(known.sentence) if known else code,
        "fix": gettext(known.fix) if known else "",
        "count": number,
        "places": places,
        "more": number - len(places),
    }


def finding_lines(path: Path, *, school: str, collections: Sequence[str]) -> Iterator[Sequence[Any]]:
    """All rows as COLUMNS, then the cause's sentence and fix."""
    where, given = _where(school, collections)
    with parquet_reader() as db:
        cursor = db.execute(f"SELECT {', '.join(COLUMNS)} FROM read_parquet({quote(path)}) WHERE {where}", given)
        while rows := cursor.fetchmany(_AT_ONCE):
            for row in rows:
                known = FINDINGS.get(row[0])
                yield (*row, gettext(known.sentence) if known else "", gettext(known.fix) if known else "")


def _where(school: str, collections: Sequence[str]) -> tuple[str, dict[str, Any]]:
    where, given = ["true"], {}
    if school:
        where.append("school = $school")
        given["school"] = school
    if collections:
        where.append(f"collection IN ({', '.join(quote(one) for one in collections)})")
    return " AND ".join(where), given
