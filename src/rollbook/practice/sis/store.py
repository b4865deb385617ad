"""The practice SIS's records in memory: tables, look-ups, and the change from one day to the next."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from rollbook.practice.sis.files import Package, read_package
from rollbook.practice.sis.model import KINDS, METADATA, MODIFIED, SOURCED_ID, STATUS, Row

_MANY = 100_000
Clock = Callable[[], datetime]
T = TypeVar("T")


def utc_now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """OneRoster dateTime: UTC, milliseconds, Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class Store:
    """Tables of rows by sourcedId, in file order. `version` grows with every change."""

    def __init__(self, directory: Path, clock: Clock = utc_now) -> None:
        """Raises FileNotFoundError when the folder holds no OneRoster files."""
        self.clock = clock
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in KINDS}
        self.version = 0
        self._indexes: dict[tuple[str, str], dict[Any, list[Row]]] = {}
        self._cached: dict[Any, Any] = {}
        self.replace(directory)

    def replace(self, directory: Path, vanish: str = "tobedeleted") -> dict[str, int]:
        """Load another day. Counts of new, changed and vanished records are returned.

        A kind whose file is missing stays as it is. In a bulk file, records that are gone become
        `tobedeleted` (or, with vanish="disappear", are dropped); in a delta file only the rows given change.
        Gradebook records are never taken away, because clients write them.
        """
        with collector_resting():
            return self._take(read_package(directory), vanish)

    def _take(self, package: Package, vanish: str) -> dict[str, int]:
        now = stamp(self.clock())
        counts = {"new": 0, "changed": 0, "vanished": 0}
        for name, rows in package.rows.items():
            table = self.tables[name]
            fresh = {own: _dated(table.get(own), row, now, counts) for own, row in rows.items()}
            keeps = package.modes[name] == "delta" or KINDS[name].service == "gradebook"
            for own, row in table.items():
                if own not in fresh:
                    self._left(fresh, row, "keep" if keeps else vanish, now, counts)
            self.tables[name] = fresh
        self._changed()
        return counts

    def _left(self, fresh: dict[str, Row], row: Row, what: str, now: str, counts: dict[str, int]) -> None:
        gone = row[STATUS] == "tobedeleted"
        counts["vanished"] += what != "keep" and not gone
        if what == "keep" or (what == "tobedeleted" and gone):
            fresh[row[SOURCED_ID]] = row
        elif what == "tobedeleted":
            fresh[row[SOURCED_ID]] = (row[SOURCED_ID], "tobedeleted", now, *row[METADATA:])

    def put(self, kind: str, row: Row) -> bool:
        """Store one row with the date of now; True when it is new."""
        new = row[SOURCED_ID] not in self.tables[kind]
        now = stamp(self.clock())
        self.tables[kind][row[SOURCED_ID]] = (*row[:MODIFIED], now, *row[METADATA:])
        self._changed()
        return new

    def delete(self, kind: str, own: str) -> bool:
        """Drop one row; False when it is not there."""
        found = self.tables[kind].pop(own, None)
        self._changed()
        return found is not None

    def _changed(self) -> None:
        self.version += 1
        self._indexes.clear()
        self._cached.clear()

    def get(self, kind: str, own: str) -> Row | None:
        return self.tables[kind].get(own)

    def cell(self, kind: str, own: str | None, field: str) -> Any:
        """One cell of a record, None when the record is not there."""
        row = self.tables[kind].get(own or "")
        return row[KINDS[kind].at[field]] if row else None

    def all(self, kind: str) -> list[Row]:
        return self.cached(("all", kind), lambda: list(self.tables[kind].values()))

    def cached(self, key: Any, make: Callable[[], T]) -> T:
        """What `make` gives, kept until the next change."""
        if key not in self._cached:
            self._cached[key] = make()
        found: T = self._cached[key]
        return found

    def by(self, kind: str, field: str, value: str) -> list[Row]:
        """Rows whose reference `field` is, or whose references contain, the value."""
        key = (kind, field)
        if key not in self._indexes:
            index: dict[Any, list[Row]] = defaultdict(list)
            position = KINDS[kind].at[field]
            for row in self.all(kind):
                cell = row[position]
                for one in cell if isinstance(cell, tuple) else (cell,):
                    index[one].append(row)
            self._indexes[key] = index
        return self._indexes[key].get(value, [])


@contextmanager
def collector_resting() -> Iterator[None]:
    """No garbage collection while many rows come in or go out; those that stay are not walked afterwards.

    Rows and records hold no cycles; walking a million of them for every page costs more than the page.
    """
    was_on = gc.isenabled()
    gc.disable()
    before = gc.get_count()[0]
    try:
        yield
    finally:
        if gc.get_count()[0] - before > _MANY:
            gc.freeze()
        if was_on:
            gc.enable()


def _dated(old: Row | None, row: Row, now: str, counts: dict[str, int]) -> Row:
    if old is not None and old[STATUS] == row[STATUS] and old[METADATA:] == row[METADATA:]:
        return old
    counts["new" if old is None else "changed"] += 1
    return (*row[:MODIFIED], now, *row[METADATA:])
