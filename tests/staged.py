"""Runs of tests that read the same records stage and check them once for each process: half of a small run goes there.

Both depend on nothing but the files, the field map and (where there are roles with dates) the day, so the tables they
made are shared; `found`, which later stages add to, is copied. Later stages write to no other table of theirs.
Rollbook's own way, each time anew, is met by the contract and unit tests of both stages and by every test that starts
processes: those of the command line, of reliability, and in the browser.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from unittest import mock

from rollbook.core import people_files
from rollbook.core.duck import Connection
from rollbook.core.protocols import Progress
from rollbook.passback import grade_run
from rollbook.pipeline import check as check_stage
from rollbook.pipeline import roster_run
from rollbook.pipeline import stage as stage_stage
from rollbook.pipeline.stage import Files
from rollbook.pipeline.tables import create_shared_tables
from rollbook.roster.settings import FieldMap
from tests.scratch import Scratch, engine, in_memory

#: So many results are kept; one takes some megabytes.
_MOST = 24


@dataclass(frozen=True)
class _Made:
    """A database with the tables of a stage. `told` is what it said of its progress, `knows` what is asked of it."""

    name: str
    told: tuple[tuple[Any, ...], ...]
    knows: Any


class _Telling(Progress):
    """Passes progress on, and writes it down."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self.told: list[tuple[Any, ...]] = []

    def update(self, *told: Any) -> None:
        self.told.append(told)
        self._progress.update(*told)


class _Kept:
    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()

    def get(self, key: Hashable, progress: Progress, make: Callable[[str, Progress], Any]) -> _Made:
        """What was made before, else what `make` makes in a database of this name."""
        made = self._made.get(key)
        if made is not None:
            self._made.move_to_end(key)
            for told in made.told:
                progress.update(*told)
            return made
        telling, name = _Telling(progress), engine().attach()
        try:
            made = _Made(name, knows=make(name, telling), told=tuple(telling.told))
        except BaseException:
            engine().give_back(name)
            raise
        self._made[key] = made
        while len(self._made) > _MOST:
            engine().give_back(self._made.popitem(last=False)[1].name)
        return made


_staged, _checked = _Kept(), _Kept()


def _load_files(db: Connection, files: Files, progress: Progress, merge: Callable[[str], None] | None = None) -> None:
    """Stands in for `pipeline.stage.load_files`."""
    if merge is not None or not isinstance(db, Scratch):
        return load_files(db, files, progress, merge)

    def make(name: str, progress: Progress) -> tuple[set[int], bool]:
        db.look(name)
        try:
            create_shared_tables(db)
            load_files(db, files, progress)
            pages = {page for (page,) in db.execute("SELECT page FROM pages").fetchall()}
            return pages, db.execute("SELECT count(*) FROM roles").fetchone() != (0,)
        finally:
            db.look(db.home)

    made = _staged.get(_digest(files), progress, make)
    db.beside = (made.name,)
    db.look(db.home, made.name)
    for table in ("found", "header_column"):
        db.execute(f"INSERT INTO {table} FROM {made.name}.{table}")
    db.execute(f"CREATE TABLE orgs AS FROM {made.name}.orgs")  # what undoing asks for: was anything staged?
    pages = [
        [page.number, name, page.name, str(page.path), page.count == -1]
        for name, there in files.items()
        for page in there
        if page.number in made.knows[0]
    ]
    if pages:
        types = ("INTEGER", "VARCHAR", "VARCHAR", "VARCHAR", "BOOLEAN")
        lists = ", ".join(f"unnest(${place}::{kind}[])" for place, kind in enumerate(types, start=1))
        db.execute(f"INSERT INTO pages SELECT {lists}", [list(column) for column in zip(*pages, strict=True)])
    db.dated = made.knows[1]


def _check(db: Connection, users: FieldMap, today: date, progress: Progress) -> None:
    """Stands in for `pipeline.check.check`."""
    if not isinstance(db, Scratch) or not db.beside:
        return check(db, users, today, progress)
    [staged] = db.beside
    before = tuple(db.execute("FROM found").fetchall())

    def make(name: str, progress: Progress) -> bool:
        db.look(name, staged)
        try:
            db.execute(f"CREATE TABLE found AS FROM {db.home}.found")
            check(db, users, today, progress)
            return tuple(db.execute("FROM found").fetchall()) != before
        finally:
            db.look(db.home, staged)

    made = _checked.get((staged, repr(users), today if db.dated else None, before), progress, make)
    db.beside = (staged, made.name)
    db.look(db.home, made.name, staged)
    if made.knows:
        db.execute("DELETE FROM found")
        db.execute(f"INSERT INTO found FROM {made.name}.found")


def _digest(files: Files) -> str:
    digest = hashlib.sha256()
    for name, pages in files.items():
        for page in pages:
            assert page.path is not None
            digest.update(repr((name, page.number, page.count == -1, sorted(page.columns.items()))).encode())
            digest.update(page.path.read_bytes())
    return digest.hexdigest()


load_files, check = stage_stage.load_files, check_stage.check


@contextmanager
def quick_runs() -> Iterator[None]:
    """Runs of this process are quick here, those of grades too."""
    with (
        mock.patch.object(roster_run, "connect", in_memory),
        mock.patch.object(grade_run, "connect", in_memory),
        mock.patch.object(people_files, "connect", in_memory),
        mock.patch.object(stage_stage, "load_files", _load_files),
        mock.patch.object(roster_run, "check", _check),
    ):
        yield
