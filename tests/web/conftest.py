"""The web side of a data folder, served for real on a free port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils import timezone

from rollbook.connectors.memory.space import Space, forget, space
from rollbook.practice import district, lti_keys
from rollbook.practice.lms import saml
from rollbook.store.folder import DataFolder
from rollbook.web.api.rights import PER_MINUTE, Pace
from rollbook.web.static_files import StaticFiles
from tests.cli.kit import open_store
from tests.cli.once import once
from tests.patience import LONG, until
from tests.staged import quick_runs
from tests.web.asking import Site
from tests.web.people import Person, make_person
from tests.web.prepared import SPACE, fill_from, place_prepared
from tests.web.rsa_keys import in_turns
from tests.web.world import import_maple


@pytest.fixture(autouse=True)
def _quick_runs() -> Iterator[None]:
    """What these tests prove is not how a run keeps its scratch file."""
    with quick_runs():
        yield


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with little work: what it costs is Django's choice, and is not proven here."""
    for name, value in {"time_cost": 1, "memory_cost": 64, "parallelism": 1}.items():
        monkeypatch.setattr(Argon2PasswordHasher, name, value)


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Practice systems take their keys in turns: making one is most of a launch's work."""
    monkeypatch.setattr(lti_keys, "generate_private_key", _rsa_keys)
    monkeypatch.setattr(saml, "_new_key", _saml_keys)


_rsa_keys, _saml_keys = in_turns(lti_keys.generate_private_key), in_turns(saml._new_key)


@pytest.fixture(scope="session", autouse=True)
def _static_files_once() -> Iterator[None]:
    """Each browser of a test has a middleware of its own; the files that it serves are looked for once."""
    look = StaticFiles.add_files_from_finders
    found: dict[str, Any] = {}

    def take(self: StaticFiles) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with mock.patch.object(StaticFiles, "add_files_from_finders", take):
        yield


@pytest.fixture(autouse=True)
def _own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a database whose first token is number 1: what the last test asked is not to be counted here."""
    monkeypatch.setattr("rollbook.web.api.operations.PACE", Pace(PER_MINUTE))


@pytest.fixture
def turns_clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moment by which turns of limits come back: it stands still until the test changes it."""
    moment = [timezone.now()]
    monkeypatch.setattr("rollbook.store.turns.timezone", SimpleNamespace(now=lambda: moment[0]))
    return moment


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DataFolder]:
    if "pages" in request.fixturenames:
        place_prepared(tmp_path / "data", maple="world" in request.fixturenames)
    with open_store(tmp_path / "data") as found:
        yield found


@contextmanager
def serving(folder: DataFolder) -> Iterator[Site]:
    from rollbook.web.live_runs import WATCHER
    from rollbook.web.serve import serve_web

    stop, ready, found = threading.Event(), threading.Event(), []

    def tell(address: str) -> None:
        found.append(address)
        ready.set()

    thread = threading.Thread(target=serve_web, args=(folder, "127.0.0.1", 0, tell, stop))
    thread.start()
    try:
        assert ready.wait(LONG)
        yield Site(found[0])
    finally:
        stop.set()
        thread.join(LONG)
        assert not thread.is_alive()
        if WATCHER.number() == 0:  # it looks once more, in the database of this test, before it notices that
            until(lambda: WATCHER._thread is None)


@pytest.fixture
def site(folder: DataFolder) -> Iterator[Site]:
    with serving(folder) as found:
        yield found


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two days of a small district; a fifth of it changes over night."""
    return district.generate(tmp_path_factory.mktemp("district"), students=40, seed=3, days=2, change=0.2)


@pytest.fixture
def pages(folder: DataFolder) -> DataFolder:
    """The data folder, ready for requests through Django's own client."""
    from rollbook.web.opening import open_pages

    open_pages(folder)
    return folder


@pytest.fixture
def world(request: pytest.FixtureRequest, pages: DataFolder, days: list[Path]) -> Iterator[Space]:
    """The organization `maple`: everything mapped, the memory SIS holds day 1, the memory LMS is empty. Where a module
    has `ONCE`, and a test uses a fixture named there, what it names was done already."""
    from rollbook.store.models import Account, Organization
    from rollbook.web.opening import open_pages

    found = space(SPACE)
    fill_from(found, days[0])
    if not Organization.objects.exists():
        import_maple(SPACE)
    for fixture, make in getattr(request.module, "ONCE", {}).items():
        if fixture in request.fixturenames:
            assert not Account.objects.exists(), "people come after what was made once"
            once(pages.path, found, make, partial(make, pages, found))
            open_pages(pages)
    yield found
    forget(found.name)


@pytest.fixture
def ann(world: Space) -> Person:
    """The acting user of maple."""
    return make_person("Ann Acting", org="maple", acting=True)


@pytest.fixture
def bob(world: Space) -> Person:
    """A system administrator of maple who is not the acting user."""
    return make_person("Bob Admin", org="maple")


@pytest.fixture
def vic(world: Space) -> Person:
    """A viewer of maple."""
    return make_person("Vic Viewer", org="maple", role="viewer")


@pytest.fixture
def tea(world: Space) -> Person:
    """A teacher of maple."""
    return make_person("Tea Teacher", org="maple", role="teacher")
