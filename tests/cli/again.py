"""A command that was given just so before is not worked again in tests: what it left is put in place.

What a run does depends on nothing but the data folder, the spaces in memory, the arguments, the environment and the
day, and dozens of tests begin alike. Where a test has put something of its own between (a patched function, a database
elsewhere), the command is worked, as it is in every test that starts processes.
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
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import rollbook
from rollbook.connectors.memory import space as spaces
from rollbook.pipeline import roster_run
from tests.scratch import in_memory
from tests.staged import quick_runs

T = TypeVar("T")

#: Commands that work a run.
_RUNS = (("sync",), ("plan",), ("grades", "sync"), ("grades", "plan"), ("run", "apply"), ("run", "undo"))
#: So many commands are kept; each takes a megabyte or two.
_MOST = 40
_PATCHABLE = ("rollbook.", "django.utils.timezone", "time", "secrets")
#: What is no part of a run in this process. Django imports migrations anew when it looks for them.
_NO_PART = ("rollbook.web", "rollbook.testing", "rollbook.practice", "rollbook.store.migrations")


@dataclass(frozen=True)
class _Lived:
    """What a command left: the data folder, the spaces by name, and what it said."""

    folder: Path
    spaces: Mapping[str, Mapping[str, Any]]
    answer: Any


_lived: OrderedDict[str, _Lived] = OrderedDict()


def again(data: Path, arguments: Sequence[str], work: Callable[[], T]) -> T:
    """What `work` gives, which carries out a command on a data folder that nobody has open."""
    key = _key(data, arguments) if _may(arguments) else ""
    lived = _lived.get(key)
    if lived is not None:
        _lived.move_to_end(key)
        shutil.rmtree(data)
        shutil.copytree(lived.folder, data)
        for name, then in copy.deepcopy(dict(lived.spaces)).items():
            vars(spaces._SPACES[name]).update(then)
        return cast(T, copy.deepcopy(lived.answer))
    answer = work()
    if key:
        folder = _place() / key
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(data, folder)
        _lived[key] = _Lived(folder, copy.deepcopy(_states()), copy.deepcopy(answer))
        while len(_lived) > _MOST:
            shutil.rmtree(_lived.popitem(last=False)[1].folder)
    return answer


@functools.cache
def _place() -> Path:
    """Where what commands left is kept, as long as this process lives."""
    place = Path(tempfile.mkdtemp())
    atexit.register(functools.partial(shutil.rmtree, place, ignore_errors=True))
    return place


def _may(arguments: Sequence[str]) -> bool:
    works = any(tuple(arguments[: len(words)]) == words for words in _RUNS)
    return works and "DATABASE_URL" not in os.environ and roster_run.connect is in_memory and _unpatched()


def _states() -> dict[str, dict[str, Any]]:
    there = {name: one for name, one in spaces._SPACES.items() if one.rows}
    return {name: {key: value for key, value in vars(one).items() if key != "lock"} for name, one in there.items()}


def _key(data: Path, arguments: Sequence[str]) -> str:
    """Empty where a space has something of the test's own."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    try:
        digest = hashlib.blake2b(_values((list(arguments), sorted(environment.items()), date.today(), _states())))
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):
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


_first_seen: dict[str, int] = {}


def _unpatched() -> bool:
    """Is everything of Rollbook, and of the clock, what was imported?"""
    return all(
        _first_seen.setdefault(name, now) == now
        for name, module in list(sys.modules.items())
        if name.startswith(_PATCHABLE) and not name.startswith(_NO_PART) and (now := hash(tuple(_parts(name, module))))
    )


def _parts(name: str, module: Any) -> Iterator[int]:
    for key, value in list(vars(module).items()):
        # Parts of a package come when they are first asked for, and Python itself notes warnings in a module.
        if not isinstance(value, ModuleType) and not key.startswith("__"):
            yield id(value)
        if isinstance(value, type) and value.__module__ == name:
            yield from (id(part) for key, part in list(vars(value).items()) if not key.startswith(("__", "_abc")))


def _import_all() -> None:
    """A module that is first seen while a test has patched it would never be as it was then again."""
    for found in pkgutil.walk_packages(rollbook.__path__, "rollbook.", onerror=lambda name: None):
        if not found.name.startswith(_NO_PART) and not found.name.endswith("__main__"):
            importlib.import_module(found.name)


_import_all()
with quick_runs():
    _unpatched()  # before any test runs
