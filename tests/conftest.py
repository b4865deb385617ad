"""Every test runs without a network: only this machine answers. Hypothesis has no deadline on shared machines.

Databases: `database` runs a test on SQLite and on PostgreSQL, `postgres_url` on a fresh database of a PostgreSQL only.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn.server
from django.utils import translation
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts

import rollbook.web  # noqa: F401 - before anything else of Rollbook: tests of pages and of the rest share a process
from rollbook.store.django_settings import SQLITE_OPTIONS
from tests.spaces import forget_spaces

#: What commands take from where they are called.
_OF_THE_PLACE = {"DATABASE_URL", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"}
LOCAL = ["127.0.0.1", "::1", "localhost"]

settings.register_profile("rollbook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rollbook")

#: No test of this process outlives a power cut, and each commit waits for the disk. Other processes keep it.
SQLITE_OPTIONS["init_command"] = SQLITE_OPTIONS["init_command"].replace("synchronous=FULL", "synchronous=OFF")


class _Soon:
    """asyncio for uvicorn, which looks ten times a second whether it should end, and then waits for another tenth: a
    quarter of a second for each of a thousand servers."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 8)


# The type checker knows a module there; what stands in for it gives all else that the module has.
uvicorn.server.asyncio = _Soon()  # type: ignore[attr-defined]

_getaddrinfo = socket.getaddrinfo


def _local_names_only(host: Any, *args: Any, **kwargs: Any) -> Any:
    """Looking a name up is network too."""
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in LOCAL or name.startswith("127.") or _is_address(name):
        return _getaddrinfo(host, *args, **kwargs)
    raise socket.gaierror(socket.EAI_NONAME, "tests look no names up")


def _is_address(name: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except OSError:
            continue
        return True
    return False


def _is_somebodys(name: str) -> bool:
    """No test works in somebody's real data, goes through a proxy, or minds how wide somebody's terminal is."""
    ours = name.startswith("ROLLBOOK_") and name not in ("ROLLBOOK_CHROMIUM", "ROLLBOOK_PICTURES")
    return ours or name in _OF_THE_PLACE or name.lower().endswith("_proxy")


def pytest_configure(config: pytest.Config) -> None:
    for name in filter(_is_somebodys, list(os.environ)):
        del os.environ[name]
    # pytest-socket warns and raises; with warnings as errors the warning would hide the error that names the rule.
    config.addinivalue_line("filterwarnings", "ignore:A test tried to use socket:UserWarning")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits comes first, so that the processors have other work meanwhile; else the order is random."""
    items.sort(key=lambda item: not {"reliability", "browser"} & set(item.path.parts))


def pytest_collection_finish() -> None:
    """Modules and tests are there to the end: looking through them for garbage again and again is much of the work."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else libraries complain at the end of what is left


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    socket_allow_hosts(LOCAL, allow_unix_socket=True)
    socket.getaddrinfo = _local_names_only
    translation.deactivate()  # a page asked for in Spanish leaves its thread speaking Spanish


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    forget_spaces()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The PostgreSQL server of this test process, started when the first test asks for it."""
    from tests.postgres import make_server

    together = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None
    server = make_server(tmp_path_factory.mktemp("template"), together)
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(postgres: Any) -> Iterator[str]:
    """The DATABASE_URL of a fresh database with our tables; a test sets it where it wants it."""
    from tests.postgres import TEMPLATE

    with postgres.fresh(TEMPLATE) as url:
        yield url
        from django.db import connections

        connections.close_all()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything the test opens is in this kind of database: DATABASE_URL is set, or not."""
    if request.param == "postgresql":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres_url"))
    return str(request.param)
