"""The package of grades that is written for a SIS: a folder or a zip file with delta files. Rewrites a file whole,
beside the old one, and then puts it in its place; never touches what somebody else wrote.

A small package is written anew with each batch. What comes for a large one waits beside it (`grades_waiting`) until as
much has come as it holds, or until somebody reads: so the work grows with the rows, not with their square.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Final

from rollbook.connectors.oneroster_csv.grades_rows import Left, RowStore
from rollbook.connectors.oneroster_csv.grades_tables import FILES, HEADERS, MANIFEST, Cells
from rollbook.connectors.oneroster_csv.grades_waiting import Waiting
from rollbook.connectors.oneroster_csv.manifest import parse_manifest
from rollbook.errors import BadResponse, ConfigError, DiskFull, Unavailable

#: `source.systemName` of manifests of ours.
SYSTEM: Final = "Rollbook"
_MANIFEST: Final = "manifest.csv"
#: A package of fewer bytes is written anew with every batch.
_SMALL: Final = 1 << 20
_AT_ONCE: Final = 4096


class GradesPackage:
    """Line items and results for one SIS. Rows are changes (delta): a bulk file would say that whatever the SIS has
    beside them is gone (CSV binding 1.2, bulk and delta)."""

    def __init__(self, path: Path, version: str, work: Path) -> None:
        """`work` is for scratch files."""
        self._path, self._version, self._work = path, version, work
        self._zip = path.suffix.lower() == ".zip"
        beside = path.with_name(f".rollbook-{path.name}.waiting") if self._zip else path / ".rollbook-waiting"
        self._waiting = Waiting(beside)

    def check(self) -> None:
        """Raises ConfigError where the package cannot be ours."""
        if not self._path.parent.is_dir():
            raise ConfigError("the folder in which grades_path lies is not there")
        if self._zip != self._path.is_file() and self._path.exists():
            raise ConfigError("grades_path has to be a folder, or a file that ends in .zip")
        with _in_words():
            text = self._text(_MANIFEST)
            there = self._names()
        if there and (text is None or parse_manifest(text).system != SYSTEM):
            raise ConfigError("grades_path holds files that Rollbook did not write; give it a place of its own")

    def rows(self, kind: str) -> Iterator[Cells]:
        """What is in the file of a kind; nothing where there is none."""
        with _in_words(), self._opened(f"{FILES[kind]}.csv") as file:
            if file is None:
                return
            reader = csv.DictReader(file)
            for cells in reader:
                yield {name: cells.get(name) or "" for name in HEADERS[self._version][kind]}

    def merge(self, kind: str, changes: Mapping[str, Cells]) -> None:
        """Put rows in by sourcedId, each with the time of now where it says something new. All or nothing; into a large
        package at the next `flush`."""
        self.check()
        with _in_words():
            if not self._zip:
                self._path.mkdir(mode=0o750, exist_ok=True)
            size, waiting = self._size(), self._waiting.size
            if size < _SMALL and not waiting:
                self._put(kind, changes)
                return
            self._waiting.add(kind, changes.values())
            if self._waiting.size < max(size, _SMALL):
                return
        self.flush()

    def flush(self) -> None:
        """Bring into the files what waits for them."""
        if not self._waiting.size:
            return
        self.check()
        with _in_words(), closing(RowStore(self._work / "grades-waiting.sqlite3")) as store:
            rows = self._waiting.rows()
            while some := list(islice(rows, _AT_ONCE)):
                for kind in FILES:
                    store.put(kind, [row for one, row in some if one == kind])
            for kind in FILES:
                if left := store.left(kind):
                    self._put(kind, left)
            self._waiting.clear()

    def state(self) -> tuple[tuple[str, int, int, int], ...]:
        """Something that is another one whenever the files are others."""
        with _in_words():
            files = [self._path] if self._zip else [self._path / f"{name}.csv" for name in FILES.values()]
            return tuple((each.name, *_stamp(each)) for each in files)

    def _size(self) -> int:
        """Bytes of its files, unpacked."""
        if not self._path.exists():
            return 0
        if self._zip:
            with zipfile.ZipFile(self._path) as archive:
                return sum(each.file_size for each in archive.infolist())
        return sum(each.stat().st_size for each in self._path.glob("*.csv"))

    def _put(self, kind: str, changes: Mapping[str, Cells] | Left) -> None:
        folder = self._path.parent if self._zip else self._path
        with tempfile.TemporaryDirectory(dir=folder, prefix=".rollbook-") as scratch:
            fresh = Path(scratch) / f"{FILES[kind]}.csv"
            self._write(kind, changes, fresh)
            names = {fresh.name, *self._names()}
            manifest = Path(scratch) / _MANIFEST
            manifest.write_bytes(self._manifest(names).encode())
            if self._zip:
                self._pack(Path(scratch), (fresh, manifest))
            else:
                for each in (manifest, fresh):  # the manifest tells whose the folder is
                    _place(each, self._path / each.name)

    def _write(self, kind: str, changes: Mapping[str, Cells] | Left, goal: Path) -> None:
        now = datetime.now(UTC)
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
        left = dict(changes) if isinstance(changes, Mapping) else changes
        with goal.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEADERS[self._version][kind], lineterminator="\r\n")
            writer.writeheader()
            for before in self.rows(kind):
                after = left.pop(before["sourcedId"], before)
                same = {**after, "dateLastModified": before["dateLastModified"]} == before
                writer.writerow(before if same else {**after, "dateLastModified": stamp})
            writer.writerows({**after, "dateLastModified": stamp} for after in left.values())

    def _manifest(self, names: set[str]) -> str:
        """Files that are not there are absent."""
        lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{self._version}"]
        for name in MANIFEST[self._version]:
            lines.append(f"file.{name},{'delta' if f'{name}.csv' in names else 'absent'}")
        return "".join(f"{line}\r\n" for line in (*lines, f"source.systemName,{SYSTEM}"))

    def _pack(self, scratch: Path, fresh: tuple[Path, ...]) -> None:
        goal = scratch / "package.zip"
        with zipfile.ZipFile(goal, "w", zipfile.ZIP_DEFLATED) as archive:
            if self._path.exists():
                with zipfile.ZipFile(self._path) as old:
                    for name in set(old.namelist()) - {each.name for each in fresh}:
                        with old.open(name) as file, archive.open(name, "w") as copy:
                            while piece := file.read(1 << 20):
                                copy.write(piece)
            for each in fresh:
                archive.write(each, each.name)
        _place(goal, self._path)

    def _names(self) -> set[str]:
        """The CSV files that are there."""
        if not self._path.exists():
            return set()
        if not self._zip:
            return {each.name for each in self._path.iterdir() if each.suffix.lower() == ".csv"}
        with zipfile.ZipFile(self._path) as archive:
            return set(archive.namelist())

    def _text(self, name: str) -> str | None:
        with self._opened(name) as file:
            return None if file is None else file.read(1 << 16)

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[str] | None]:
        """A file of the package as text, None where it is not there."""
        if name not in self._names():
            yield None
        elif not self._zip:
            with (self._path / name).open(encoding="utf-8-sig", newline="") as file:
                yield file
        else:
            with zipfile.ZipFile(self._path) as archive, archive.open(name) as packed:
                yield io.TextIOWrapper(packed, encoding="utf-8-sig", newline="")


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns


def _place(fresh: Path, goal: Path) -> None:
    """Put a finished file where it belongs, so that nobody ever sees a part of it."""
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    mode = goal.stat().st_mode if goal.exists() else 0o640
    with suppress(OSError):
        fresh.chmod(mode & 0o777)
    os.replace(fresh, goal)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise ConfigError("grades_path may not be written by Rollbook's user") from None
    except (zipfile.BadZipFile, UnicodeDecodeError, csv.Error):
        raise BadResponse("the package in grades_path is damaged; take it away, and sync the grades again") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull("there is no room left where grades_path is") from None
        raise Unavailable("grades_path cannot be read or written now") from None
