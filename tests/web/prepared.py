"""What nearly every test of the pages begins with, made once in a process: tables, the key of sessions, `maple`.

The files of a data folder are kept and written anew for each test.
"""

from __future__ import annotations

import functools
import os
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from rollbook.connectors.memory.space import Space
from tests.cli.kit import close_store, fill, open_store
from tests.web.world import import_maple

#: The SIS and the LMS of every `maple` of this process are in the space of this name.
SPACE = uuid.uuid4().hex


def place_prepared(path: Path, *, maple: bool) -> None:
    """Give an empty data folder what `setup`, `open_pages` and (with `maple`) `import_maple` would make, of today."""
    if "DATABASE_URL" in os.environ or path.exists():
        return
    path.mkdir(mode=0o700, parents=True)
    for name, content in _prepared(datetime.now(UTC).date(), maple=maple).items():
        (path / name).touch(mode=0o600)
        (path / name).write_bytes(content)


@functools.cache
def _prepared(_today: date, *, maple: bool) -> Mapping[str, bytes]:
    from rollbook.web.opening import open_pages

    with tempfile.TemporaryDirectory() as scratch, open_store(Path(scratch) / "data") as folder:
        open_pages(folder)
        if maple:
            import_maple(SPACE)
        close_store()
        return {path.name: path.read_bytes() for path in (folder.database, folder.keys)}


def fill_from(space: Space, day: Path) -> None:
    """Put a OneRoster CSV folder into the SIS of a space; each folder is read once."""
    for name, rows in _read(day).items():
        space.rows[name] = [dict(row) for row in rows]


@functools.cache
def _read(day: Path) -> Mapping[str, Sequence[Mapping[str, str]]]:
    read = Space()
    fill(read, day)
    return read.rows
