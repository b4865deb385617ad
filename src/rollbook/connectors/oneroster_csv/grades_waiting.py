"""Rows that are to go into a package of grades and are not in its files yet: writing a large file anew for each batch
would take longer the larger it is. A file of lines beside them, each line synced before anybody is told of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from rollbook.connectors.oneroster_csv.grades_tables import Cells


class Waiting:
    """The rows that wait for one package. After a crash they are still there."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def size(self) -> int:
        """Bytes that wait; 0 where nothing does."""
        try:
            return self._file.stat().st_size
        except FileNotFoundError:
            return 0

    def add(self, kind: str, rows: Iterable[Cells]) -> None:
        """They are safe on disk when this returns. Raises OSError."""
        with self._file.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a process died while it wrote this line, and told nobody of it
                    file.write(b"\n")
            for row in rows:
                file.write(json.dumps([kind, row]).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> Iterator[tuple[str, Cells]]:
        """Kind and row, in the order in which they came. Half a line is left out."""
        with self._file.open("rb") as file:
            for line in file:
                try:
                    kind, row = json.loads(line)
                except ValueError:
                    continue
                yield kind, row

    def clear(self) -> None:
        """They are in the package."""
        self._file.unlink(missing_ok=True)
