"""A command that was given just so before is not worked again in tests: what it left is put in place.

What a run does depends on nothing but the data folder, the database, the spaces in memory, the arguments, the
environment and the day, and dozens of tests begin alike. Where a test has put something of its own between (a patched
function), the command is worked, as it is in every test that starts processes.
"""

from __future__ import annotations

import atexit
import copy
import functools
import hashlib
import importlib
import io
import os
import pickle
import pkgutil
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg

import rollbook
from rollbook.connectors.memory import space as spaces
from rollbook.pipeline import roster_run
from tests.cli import databases
from tests.scratch import in_memory
from tests.staged import quick_runs
from tests.untouched import Modules

T = TypeVar("T")

#: Commands that change something, and look at nothing beside it.
_WORKS = (("sync",), ("plan",), ("grades", "sync"), ("grades", "plan"), ("grades", "map"), ("run", "apply"),
          ("run", "undo"), ("hold", "approve"), ("hold", "reject"))  # fmt: skip
#: So many commands are kept; each takes a megabyte or two, one with a PostgreSQL database ten.
_MOST, _MOST_DATABASES = 40, 12
_PATCHABLE = ("rollbook.", "django.utils.timezone", "time", "secrets")
#: What is no part of a run in this process. Django imports migrations anew when it looks for them.
_NO_PART = ("rollbook.web", "rollbook.testing", "rollbook.practice", "rollbook.store.migrations")


@dataclass(frozen=True)
class _Lived:
    """What a command left: the data folder, the PostgreSQL database if there is one (its address and the name of the
    copy), the spaces by name, pickled, and what it said."""

    folder: Path
    database: tuple[str, str] | None
    spaces: bytes
    answer: Any


_lived: OrderedDict[str, _Lived] = OrderedDict()


def again(data: Path, arguments: Sequence[str], work: Callable[[], T]) -> T:
    """What `work` gives, which carries out a command on a data folder that nobody has open."""
    key = _key(data, arguments) if _may(arguments) else ""
    lived = _lived.get(key)
    if lived is not None:
        _lived.move_to_end(key)
        _put_back(data, lived)
        return cast(T, copy.deepcopy(lived.answer))
    answer = work()
    if key:
        _keep(key, data, answer)
    return answer


def _put_back(data: Path, lived: _Lived) -> None:
    shutil.rmtree(data)
    shutil.copytree(lived.folder, data)
    if lived.database is not None:
        databases.put_back(databases.current(), lived.database[1])
    for name, then in pickle.loads(lived.spaces).items():
        vars(spaces._SPACES[name]).update(then)


def _keep(key: str, data: Path, answer: object) -> None:
    url = databases.current()
    database = (url, databases.keep(url)) if url else None
    folder = _place() / key
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(data, folder)
    _lived[key] = _Lived(folder, database, pickle.dumps(_states()), copy.deepcopy(answer))
    _drop(list(_lived)[:-_MOST])
    _drop([each for each, one in _lived.items() if one.database is not None][:-_MOST_DATABASES])


def _drop(keys: Sequence[str]) -> None:
    for key in keys:
        old = _lived.pop(key)
        shutil.rmtree(old.folder)
        if old.database is not None:
            databases.forget(*old.database)


@functools.cache
def _place() -> Path:
    """Where what commands left is kept, as long as this process lives."""
    place = Path(tempfile.mkdtemp())
    atexit.register(functools.partial(shutil.rmtree, place, ignore_errors=True))
    return place


def _may(arguments: Sequence[str]) -> bool:
    works = any(tuple(arguments[: len(words)]) == words for words in _WORKS)
    return works and roster_run.connect is in_memory and not _modules.replaced()


def _states() -> dict[str, dict[str, Any]]:
    there = {name: one for name, one in spaces._SPACES.items() if one.rows}
    return {name: {key: value for key, value in vars(one).items() if key != "lock"} for name, one in there.items()}


def _key(data: Path, arguments: Sequence[str]) -> str:
    """Empty where nothing is in memory, a space has something of the test's own, or no database answers."""
    states = _states()
    if not states:
        return ""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTEST_CURRENT_TEST", "DATABASE_URL")}
    url = databases.current()
    try:
        rows = databases.digest(url) if url else b""
        digest = hashlib.blake2b(_values((list(arguments), sorted(environment.items()), date.today(), states, rows)))
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, psycopg.Error):
        return ""
    for path in sorted(data.rglob("*")):
        digest.update(str(path.relative_to(data)).encode() + b"\0")
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _values(whole: object) -> bytes:
    text = io.BytesIO()
    pickler = pickle.Pickler(text)
    pickler.fast = True  # what is the same twice is written twice: only values count
    pickler.dump(whole)
    return text.getvalue()


def _import_all() -> None:
    """A module that is first seen while a test has patched it would never be as it was then again."""
    for found in pkgutil.walk_packages(rollbook.__path__, "rollbook.", onerror=lambda name: None):
        if not found.name.startswith(_NO_PART) and not found.name.endswith("__main__"):
            importlib.import_module(found.name)


_import_all()
with quick_runs():
    _modules = Modules(*_PATCHABLE, but=_NO_PART)  # before any test runs
