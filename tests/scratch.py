"""Scratch databases of runs in tests: in the memory of one engine for each process, which plans its queries simply.

A small run spends nearly all its time on making engines, and on reading and planning hundreds of queries for a handful
of rows; the same texts are read once for each process.
Files, and engines as Rollbook makes them, are met by the tests that start processes: those of the command line, of
reliability, and in the browser.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, cast

import duckdb

from rollbook.core.duck import Connection

#: The optimizers that save work even for ten rows.
_KEPT = {"deliminator", "empty_result_pullup", "filter_pullup", "filter_pushdown", "in_clause", "unused_columns"}


class _Remembering:
    """A connection that does not read the same text twice."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, query: str, *given: Any, **named: Any) -> Connection:
        return self._db.execute(_read(query) or query, *given, **named)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()


@lru_cache(maxsize=4096)
def _read(query: str) -> duckdb.Statement | None:
    """The statement of a text; None where there are several, or where it is none: the engine says so itself."""
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error:
        return None
    return statements[0] if len(statements) == 1 else None


class _Engine:
    def __init__(self) -> None:
        self._db = duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False})
        names = [name for (name,) in self._db.execute("FROM duckdb_optimizers()").fetchall()]
        self._db.execute(f"SET disabled_optimizers = '{','.join(name for name in names if name not in _KEPT)}'")
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._given: list[tuple[weakref.ref[Connection], str]] = []

    def scratch(self) -> Connection:
        """A connection to an empty database, which is dropped once it is closed or forgotten."""
        with self._lock:
            for one in [one for one in self._given if _closed(one[0]())]:
                self._db.execute(f"DETACH {one[1]}")
                self._given.remove(one)
            name = f"scratch_{next(self._numbers)}"
            connection = cast(Connection, _Remembering(self._db.cursor()))
            connection.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
            self._given.append((weakref.ref(connection), name))
            return connection


def _closed(connection: Connection | None) -> bool:
    """Never asked with a query: that would end a result which somebody reads."""
    if connection is None:
        return True
    try:
        connection.cursor().close()
    except duckdb.ConnectionException:
        return True
    return False


_engines: list[_Engine] = []


def in_memory(path: Path | None = None, memory: str = "") -> Connection:
    """Stands in for `rollbook.core.duck.connect`."""
    if not _engines:
        _engines.append(_Engine())
    return _engines[0].scratch()
