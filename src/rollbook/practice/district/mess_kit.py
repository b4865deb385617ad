"""Tools to rewrite finished CSV files line by line. They hold a line at a time, never a file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

Row = dict[str, str]


@dataclass
class Mess:
    """What a kind of mess needs to know: OneRoster version, seed, and the folder of the day before."""

    version: str
    seed: int
    before: Path | None = None


class Kind(NamedTuple):
    """One kind of mess: `run` takes the day's folder (a zip kind: the zip file). Low stages run first.

    `later`: it needs a day before, and strikes every day but the first.
    """

    run: Callable[[Path, Mess], None]
    text: str
    stage: int
    later: bool = False


ROWS, DELTA, COLUMNS, LINES, BYTES, MANIFEST, ZIP, ZIP_END = range(8)


class Kinds(dict[str, Kind]):
    """Names with their kinds; filled by decorators."""

    def add(
        self, name: str, text: str, stage: int, *, later: bool = False
    ) -> Callable[[Callable[[Path, Mess], None]], Callable[[Path, Mess], None]]:
        """Register the decorated function."""

        def keep(run: Callable[[Path, Mess], None]) -> Callable[[Path, Mess], None]:
            self[name] = Kind(run, text, stage, later)
            return run

        return keep


def some(number: int, every: int = 50) -> bool:
    """Whether a row (counted from 1) is one of the few; the second row always is."""
    return number % every == 2


def read(folder: Path, name: str) -> Iterator[Row]:
    """Rows of one file as column → value; nothing if there is no such file."""
    path = folder / f"{name}.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def edit(
    folder: Path,
    name: str,
    change: Callable[[Row, int], list[Row] | None],
    columns: Callable[[list[str]], list[str]] | None = None,
) -> None:
    """Rewrite one file. `change` gets each row and its number from 1 and alters it, or returns what to write.

    `columns` may give another header. A file that is not there is left alone.
    """
    path = folder / f"{name}.csv"
    if not path.exists():
        return
    fresh = path.with_suffix(".tmp")
    with path.open(encoding="utf-8", newline="") as old, fresh.open("w", encoding="utf-8", newline="") as new:
        reader, writer = csv.reader(old), csv.writer(new, lineterminator="\n")
        header = next(reader)
        shown = columns(list(header)) if columns else header
        writer.writerow(shown)
        for number, values in enumerate(reader, 1):
            row = dict(zip(header, values, strict=False))
            given = change(row, number)
            for out in [row] if given is None else given:
                writer.writerow([out.get(column, "") for column in shown])
    fresh.replace(path)


def set_some(folder: Path, name: str, make: Callable[[Row], Row], every: int = 50) -> None:
    """Give a few rows of a file new values: `make` returns the columns to set."""

    def change(row: Row, number: int) -> None:
        if some(number, every):
            row.update(make(row))

    edit(folder, name, change)


def edit_lines(path: Path, change: Callable[[bytes, int], bytes]) -> None:
    """Rewrite a file's raw lines; the header is line 0. A file that is not there is left alone."""
    if not path.exists():
        return
    fresh = path.with_suffix(".tmp")
    with path.open("rb") as old, fresh.open("wb") as new:
        for number, line in enumerate(old):
            new.write(change(line, number))
    fresh.replace(path)


def data_files(folder: Path) -> Sequence[Path]:
    """The day's data files, without the manifest."""
    return [path for path in sorted(folder.glob("*.csv")) if path.name != "manifest.csv"]
