"""A run of these tests that began just so before is not worked again in this process: what it left is put in place.

A roster run depends on the rows of the SIS, what the LMS holds, the database, the files beside it, the settings in the
environment and what is asked; dozens of tests begin with the same one. Who has an account, who is signed in and what
the cache holds is no matter of a run, and stays. Times count by the hour. A run is worked where anything else is in
its way: another thread, another kind of database, a notice to somebody, or a function that the test has replaced with
one of its own.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from rollbook.connectors.memory import space as spaces
from rollbook.connectors.memory.space import Space
from rollbook.roster.lms import KINDS
from rollbook.store.folder import DataFolder
from rollbook.store.models import Run, SettingsVersion
from tests.replays import _LMS, _put
from tests.staged import quick_runs
from tests.untouched import Modules

#: So many runs are kept; one takes about two megabytes.
_MOST = 40
#: What no run looks at or changes.
_PEOPLE = ("store_account", "store_apitoken", "store_membership", "store_invitation", "store_keptform", "store_cache",
           "django_session")  # fmt: skip
_PEOPLES = ("account_", "mfa_", "socialaccount_")
_STEADY = ("auth_", "django_", "sqlite_")
_PATCHABLE = ("rollbook.engine", "rollbook.store", "rollbook.actions", "rollbook.pipeline", "rollbook.core",
              "rollbook.roster", "rollbook.connectors", "django.utils.timezone")  # fmt: skip
_THREADS = frozenset(threading.enumerate())
_SPACE_PARTS = frozenset(vars(Space()))


@dataclass(frozen=True)
class _Lived:
    """What a run left. `holds` keeps what a test has replaced, so that nothing else gets its identity."""

    run: str
    database: sqlite3.Connection
    files: Mapping[str, bytes]
    lms: bytes
    calls: int
    holds: tuple[Any, ...]


_lived: OrderedDict[str, _Lived] = OrderedDict()


def relive(folder: DataFolder, org: str, asked: object, work: Callable[[], Run]) -> Run:
    """The run that `work` asks for and works, or one that began alike."""
    world = _world(org)
    if world is None:
        return work()
    replaced = _modules.replaced()
    key = _key(folder, world, (org, asked), replaced)
    if not key:
        return work()
    lived = _lived.get(key)
    if lived is None:
        calls, run = world.calls, work()
        _lived[key] = _Lived(
            run=run.pk,
            database=_copy(folder.database),
            files=_files(folder),
            lms=pickle.dumps({name: getattr(world, name) for name in _LMS}),
            calls=world.calls - calls,
            holds=tuple(value for _, _, value in replaced),
        )
        if len(_lived) > _MOST:
            _lived.popitem(last=False)[1].database.close()
        return run
    _lived.move_to_end(key)
    _put_database(folder.database, lived.database)
    for name in _files(folder).keys() - lived.files.keys():
        (folder.path / name).unlink()
    for name, content in lived.files.items():
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_bytes(content)
    world.calls += lived.calls
    _put(world, pickle.loads(lived.lms))
    return Run.objects.select_related("organization").get(pk=lived.run)


def _world(org: str) -> Space | None:
    """The space that both sides of the organization are in, where nothing but it and the data folder meets a run."""
    threads = [one for one in threading.enumerate() if not isinstance(one, threading._DummyThread)]
    if "DATABASE_URL" in os.environ or set(threads) - _THREADS or connection.in_atomic_block:
        return None
    latest = SettingsVersion.objects.filter(organization__slug=org).order_by("-number").first()
    if latest is None or any(latest.document["notices"].get(who) for who in ("email", "webhooks")):
        return None
    sides = [latest.document[side] for side in ("sis", "lms")]
    names = {(side["connector"], side["options"].get("space")) for side in sides}
    if len(names) > 1 or "memory" not in {connector for connector, _ in names}:
        return None
    world = spaces._SPACES.get(names.pop()[1])
    return world if type(world) is Space and vars(world).keys() == _SPACE_PARTS else None


def _key(folder: DataFolder, world: Space, asked: object, replaced: list[tuple[str, str, Any]]) -> str:
    objects = [[(s.lms_id, s.code, s.fields, s.active, s.protected) for s in world.all(kind)] for kind in KINDS]
    theirs = (world.rows, objects, world.key, world.name, [getattr(world, name) for name in _LMS[2:]])
    given = sorted((name, value) for name, value in os.environ.items() if name.startswith("ROLLBOOK_"))
    patches = [(module, name, _identity(value)) for module, name, value in replaced]
    with closing(sqlite3.connect(folder.database)) as database:
        rows = list(_rows(database))
    try:
        whole = pickle.dumps((asked, theirs, given, patches, sorted(_files(folder).items())))
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):  # something of the test's own
        return ""
    return hashlib.sha256(whole + repr(rows).encode()).hexdigest()


def _rows(database: sqlite3.Connection) -> Iterator[object]:
    """Everything but people's tables; of a time, how many hours ago it was."""
    for table in _tables(database):
        if table.startswith(_STEADY) or _peoples(table):
            continue
        columns = [
            f"cast((julianday('now') - julianday({name})) * 24 AS integer)" if kind == "datetime" else f'"{name}"'
            for _, name, kind, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall()
            if name != "acting_id"
        ]
        yield table, database.execute(f'SELECT {", ".join(columns)} FROM "{table}" ORDER BY rowid').fetchall()


def _put_database(place: Path, kept: sqlite3.Connection) -> None:
    """As the run left it, with the people who are here now."""
    with closing(sqlite3.connect(place)) as here, closing(sqlite3.connect(":memory:")) as new:
        kept.backup(new)
        for table in _tables(here):
            if _peoples(table):
                rows = here.execute(f'SELECT * FROM "{table}"').fetchall()
                new.execute(f'DELETE FROM "{table}"')
                if rows:
                    new.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(rows[0]))})', rows)
        acting = here.execute("SELECT acting_id, id FROM store_organization").fetchall()
        new.executemany("UPDATE store_organization SET acting_id = ? WHERE id = ?", acting)
        new.commit()
        new.backup(here)


def _copy(place: Path) -> sqlite3.Connection:
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with closing(sqlite3.connect(place)) as database:
        database.backup(kept)
    return kept


def _tables(database: sqlite3.Connection) -> list[str]:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return [name for (name,) in found]


def _peoples(table: str) -> bool:
    return table in _PEOPLE or table.startswith(_PEOPLES)


def _files(folder: DataFolder) -> dict[str, bytes]:
    """What lies beside the database."""
    beside = (folder.database.name, folder.keys.name)
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file()
        and not (path.parent == folder.path and path.name.startswith(beside))
        and path.suffix != ".lock"
    }


with quick_runs():
    _modules = Modules(*_PATCHABLE)


def _identity(value: Any) -> object:
    return value if isinstance(value, str | int | float) else id(value)
