"""Opens DuckDB scratch files with bounded memory and writes Parquet. The files are disposable."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count as count_up
from pathlib import Path
from typing import Any, Final

import duckdb

Connection = duckdb.DuckDBPyConnection

#: Measured: 500 MB keeps a million students within 1.2 GiB for the whole process.
MEMORY_LIMIT: Final = os.environ.get("ROLLBOOK_DUCKDB_MEMORY", "500MB")
#: Look-ups that one engine serves.
_RENEWED_AFTER: Final = 2000


def connect(path: Path | None = None, memory: str = MEMORY_LIMIT, *, threads: int = 2) -> Connection:
    """A scratch database of its own: a file for real runs, in memory for small work. Spills beside the file. Each
    thread has buffers of its own."""
    settings: dict[str, Any] = {"memory_limit": memory, "threads": threads, "autoinstall_known_extensions": False}
    settings |= {"autoload_known_extensions": False, "preserve_insertion_order": True}
    settings["fsync_mode"] = "NONE"  # nobody opens it again after a power cut; waiting was half of a small run
    if path is not None:
        settings["temp_directory"] = str(path.with_suffix(".spill"))
    return duckdb.connect(str(path or ":memory:"), config=settings)


class _Engine:
    """One engine for all look-ups of a process: making one takes longer than most of them, and where the groups of a
    file lie is read once. It is renewed now and then, so that what it knows of old files does not pile up, and after a
    fork, which its threads do not survive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count_up()
        self._db: Connection | None = None
        self._process = self._used = 0

    def cursor(self) -> Connection:
        with self._lock:
            if self._db is None or self._used >= _RENEWED_AFTER or self._process != os.getpid():
                self._db, self._used, self._process = connect(), 0, os.getpid()
                self._db.execute("SET parquet_metadata_cache = true")
            self._used += 1
            return self._db.cursor()

    @contextmanager
    def scratch(self) -> Iterator[Connection]:
        name = f"scratch_{next(self._numbers)}"
        with self.cursor() as engine:
            engine.execute(f"ATTACH ':memory:' AS {name}")
            try:
                with engine.cursor() as db:  # closed, it leaves no transaction open
                    db.execute(f"USE {name}")
                    yield db
            finally:
                engine.execute(f"DETACH {name}")


_engine = _Engine()


def parquet_reader() -> Connection:
    """A connection for looking into Parquet files. Its tables must be TEMP ones: others look at the same time."""
    return _engine.cursor()


def small_scratch() -> AbstractContextManager[Connection]:
    """A scratch database in memory for small work, which takes the blink of an eye to make: it is a guest of the engine
    for look-ups."""
    return _engine.scratch()


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
