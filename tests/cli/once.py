"""What many tests begin with is worked out once for each process; the others get a copy of data folder and space."""

from __future__ import annotations

import atexit
import copy
import pickle
import shutil
import tempfile
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from rollbook.connectors.memory import space as spaces
from rollbook.connectors.memory.space import Space
from tests.cli import databases
from tests.cli.kit import close_store

T = TypeVar("T")


@dataclass(frozen=True)
class _Kept:
    """`database` is the name of a copy, where it is a PostgreSQL; `space` is pickled."""

    folder: Path
    database: str
    space: bytes
    result: Any


_kept: dict[Hashable, _Kept] = {}


def once(folder: Path, world: Space, key: Hashable, make: Callable[[], T]) -> T:
    """Bring a fresh data folder and its space to where `make` leaves them; what it gave. The space may have another
    name then."""
    url = databases.current()
    key = (key, bool(url))
    kept = _kept.get(key)
    if kept is None:
        result = make()
        close_store()
        place = Path(tempfile.mkdtemp())
        atexit.register(partial(shutil.rmtree, place, ignore_errors=True))
        shutil.copytree(folder, place / "data")
        database = databases.keep(url) if url else ""
        _kept[key] = _Kept(place / "data", database, pickle.dumps(_state(world)), copy.deepcopy(result))
        return result
    close_store()
    shutil.rmtree(folder, ignore_errors=True)  # there may be none yet where the tables are elsewhere
    shutil.copytree(kept.folder, folder)
    if url:
        databases.put_back(url, kept.database)
    spaces.forget(world.name)
    vars(world).update(pickle.loads(kept.space))
    spaces._SPACES[world.name] = world
    return cast(T, copy.deepcopy(kept.result))


def _state(world: Space) -> dict[str, Any]:
    return {name: value for name, value in vars(world).items() if name != "lock"}
