"""A SQLite file, or memory, of a practice system: a few query helpers; knows no tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

Row = sqlite3.Row


class Database:
    """One connection, used by one thread at a time."""

    def __init__(self, database: Path | None, schema: str) -> None:
        """`database` None keeps everything in memory; `schema` is SQL that makes what is not there yet."""
        self._db = sqlite3.connect(
            database or ":memory:", isolation_level=None, check_same_thread=False, cached_statements=512
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self.before()
        self._db.executescript(schema)

    def before(self) -> None:
        """What a system adds to the connection before its tables are made."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written, or nothing is. Transactions do not nest."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def part(self) -> Iterator[None]:
        """Within a transaction: what is inside is written as a whole, or not at all."""
        self._db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO part")
            raise
        finally:
            self._db.execute("RELEASE part")

    def run(self, sql: str, *values: Any) -> int:
        """Execute one statement; the id of the row it inserted, if it did."""
        return self._db.execute(sql, values).lastrowid or 0

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany(sql, rows)

    def one(self, sql: str, *values: Any) -> Row | None:
        return cast(Row | None, self._db.execute(sql, values).fetchone())

    def all(self, sql: str, *values: Any) -> list[Row]:
        return self._db.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Any) -> int:
        """The first column of the first row as a number; 0 where there is none."""
        row = self.one(sql, *values)
        return int(row[0] or 0) if row is not None else 0

    def insert(self, table: str, **columns: Any) -> int:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        return self.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", *columns.values())

    def update(self, table: str, row_id: int, **columns: Any) -> None:
        if columns:
            names = ", ".join(f'"{name}" = ?' for name in columns)
            self.run(f"UPDATE {table} SET {names} WHERE id = ?", *columns.values(), row_id)

    def close(self) -> None:
        self._db.close()


def marks(values: Sequence[Any]) -> str:
    """Placeholders for an SQL list of these values."""
    return ", ".join("?" * len(values))
