"""Opens DuckDB scratch files with bounded memory and writes Parquet. The files are disposable."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb

Connection = duckdb.DuckDBPyConnection

#: Measured: 500 MB keeps a million students within 1.2 GiB for the whole process.
MEMORY_LIMIT: Final = os.environ.get("ROLLBOOK_DUCKDB_MEMORY", "500MB")
#: Look-ups that one shared engine serves.
_RENEWED_AFTER: Final = 2000


def connect(path: Path | None = None, memory: str = MEMORY_LIMIT) -> Connection:
    """A scratch database: a file for real runs, in memory for small look-ups. Spills beside the file."""
    settings: dict[str, Any] = {"memory_limit": memory, "threads": 2, "autoinstall_known_extensions": False}
    settings |= {"autoload_known_extensions": False, "preserve_insertion_order": True}
    if path is not None:
        settings["temp_directory"] = str(path.with_suffix(".spill"))
    return duckdb.connect(str(path or ":memory:"), config=settings)


class _Shared:
    """One engine for all look-ups of this process: making one takes as long as a look-up, and where the groups of a
    file lie is read once. It is renewed now and then, so that what it knows of old files does not pile up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._db: Connection | None = None
        self._used = 0

    def cursor(self) -> Connection:
        with self._lock:
            if self._db is None or self._used >= _RENEWED_AFTER:
                self._db, self._used = connect(), 0
                self._db.execute("SET parquet_metadata_cache = true")
            self._used += 1
            return self._db.cursor()


_shared = _Shared()


@contextmanager
def looking() -> Iterator[Connection]:
    """For reading files that never change. It may hold temporary tables only: others use the same engine."""
    db = _shared.cursor()
    try:
        yield db
    finally:
        db.close()


def quote(text: str | Path) -> str:
    """A text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def like(pattern: str) -> str:
    """A pattern with `*` as one for SQL's LIKE, whose ESCAPE is `!`."""
    return pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_").replace("*", "%")


def write_parquet(
    db: Connection, query: str, path: Path, parameters: Mapping[str, Any] | None = None, *, rows: int = 122_880
) -> int:
    """Write the rows of a query to a Parquet file; returns how many. `rows` of a group are read at a time: few for a
    file that is read in small pieces, as many as DuckDB likes best for one that is read whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows})"
    result = db.execute(f"COPY ({query}) TO {quote(path)} {options}", dict(parameters or {})).fetchone()
    return int(result[0]) if result else 0


def count(db: Connection, table: str, where: str = "true") -> int:
    """How many rows of a table meet a condition."""
    row = db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
    return int(row[0]) if row else 0


def fill(
    db: Connection, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]], *, temporary: bool = False
) -> None:
    """Create a table of these columns (name to type) and fill it in one statement; for thousands of rows, not more."""
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    db.execute(f"CREATE OR REPLACE {'TEMP ' if temporary else ''}TABLE {table} ({declared})")
    values = list(zip(*rows, strict=True))
    if values:
        lists = ", ".join(f"unnest(CAST(${place} AS {kind}[]))" for place, kind in enumerate(columns.values(), start=1))
        db.execute(f"INSERT INTO {table} SELECT {lists}", [list(column) for column in values])


def texts(db: Connection, query: str, parameters: Mapping[str, Any] | None = None) -> list[str]:
    """The first column of a small result."""
    return [row[0] for row in db.execute(query, dict(parameters or {})).fetchall()]
