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


class Scratch:
    """A connection that does not read the same text twice. `home` is the name of its own database; those `beside` it
    are of the engine, and looked into after it."""

    def __init__(self, db: Connection, home: str) -> None:
        self._db, self.home = db, home
        self.beside: tuple[str, ...] = ()
        self.dated = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, query: str, *given: Any, **named: Any) -> Connection:
        return self._db.execute(_read(query) or query, *given, **named)

    def look(self, *names: str) -> None:
        """Tables are looked for in these databases, and made in the first of them."""
        self._db.execute(f"SET search_path = '{','.join(f'{name}.main' for name in names)}'")

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
        self._db.execute("SET parquet_metadata_cache = true")  # the ledger's files are looked into all the time
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._given: list[tuple[weakref.ref[Scratch], str]] = []
        self._out: list[str] = []

    def attach(self) -> str:
        """The name of a new database, which stays until it is given back."""
        with self._lock:
            name = f"kept_{next(self._numbers)}"
            self._db.execute(f"ATTACH ':memory:' AS {name}")
            return name

    def give_back(self, name: str) -> None:
        """It goes once nobody looks into it any more."""
        self._out.append(name)

    def scratch(self) -> Connection:
        """A connection to an empty database, which is dropped once it is closed or forgotten."""
        with self._lock:
            for one in [one for one in self._given if _closed(one[0]())]:
                self._db.execute(f"DETACH {one[1]}")
                self._given.remove(one)
            used = {name for one, _ in self._given if (there := one()) for name in there.beside}
            for name in [name for name in self._out if name not in used]:
                self._db.execute(f"DETACH {name}")
                self._out.remove(name)
            name = f"scratch_{next(self._numbers)}"
            connection = Scratch(self._db.cursor(), name)
            connection.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
            self._given.append((weakref.ref(connection), name))
            return cast(Connection, connection)


def _closed(connection: Scratch | None) -> bool:
    """Never asked with a query: that would end a result which somebody reads."""
    if connection is None:
        return True
    try:
        connection.cursor().close()
    except duckdb.ConnectionException:
        return True
    return False


_engines: list[_Engine] = []


def in_memory(path: Path | None = None, memory: str = "", *, threads: int = 1) -> Connection:
    """Stands in for `rollbook.core.duck.connect`."""
    return engine().scratch()


def engine() -> _Engine:
    """The engine of this process."""
    if not _engines:
        _engines.append(_Engine())
    return _engines[0]
