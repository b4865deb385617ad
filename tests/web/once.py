"""What many tests begin with is worked out once for each process; the others get a copy of data folder and space."""

from __future__ import annotations

import atexit
import copy
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rollbook.connectors.memory import space as spaces
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from tests.cli.kit import close_store

Make = Callable[[DataFolder, Space], object]


@dataclass(frozen=True)
class _Kept:
    folder: Path
    name: str
    space: Mapping[str, Any]


_kept: dict[Make, _Kept] = {}


def once(folder: DataFolder, world: Space, make: Make) -> None:
    """Bring a fresh organization to where `make` leaves it. Nothing that a test made before it would last."""
    from rollbook.store.models import Account
    from rollbook.web.opening import open_pages

    if "DATABASE_URL" in os.environ:
        make(folder, world)
        return
    assert not Account.objects.exists(), "people come after what was made once"
    kept = _kept.get(make)
    if kept is None:
        make(folder, world)
        close_store()
        place = Path(tempfile.mkdtemp())
        atexit.register(partial(shutil.rmtree, place, ignore_errors=True))
        shutil.copytree(folder.path, place / "data")
        _kept[make] = _Kept(place / "data", world.name, _state(world))
        return
    close_store()
    shutil.rmtree(folder.path)
    shutil.copytree(kept.folder, folder.path)
    open_pages(folder)
    spaces.forget(world.name)
    vars(world).update(copy.deepcopy(dict(kept.space)))
    spaces._SPACES[kept.name] = world


def _state(world: Space) -> dict[str, Any]:
    return copy.deepcopy({name: value for name, value in vars(world).items() if name != "lock"})
