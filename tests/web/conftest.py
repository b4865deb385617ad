"""The web side of a data folder, served for real on a free port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rollbook.store.folder import DataFolder
from tests.cli.kit import open_store
from tests.web.asking import Site


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    with open_store(tmp_path / "data") as found:
        yield found


@contextmanager
def serving(folder: DataFolder) -> Iterator[Site]:
    from rollbook.web.serve import serve_web

    stop, ready, found = threading.Event(), threading.Event(), []

    def tell(address: str) -> None:
        found.append(address)
        ready.set()

    thread = threading.Thread(target=serve_web, args=(folder, "127.0.0.1", 0, tell, stop))
    thread.start()
    try:
        assert ready.wait(20)
        yield Site(found[0])
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def site(folder: DataFolder) -> Iterator[Site]:
    with serving(folder) as found:
        yield found
