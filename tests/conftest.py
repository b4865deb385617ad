"""Every test runs without a network: only this machine answers. Hypothesis has no deadline on shared machines."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts

from tests.postgres import Server, postgres

LOCAL = ["127.0.0.1", "::1", "localhost"]

settings.register_profile("rollbook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rollbook")

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


def pytest_configure(config: pytest.Config) -> None:
    # pytest-socket warns and raises; with warnings as errors the warning would hide the error that names the rule.
    config.addinivalue_line("filterwarnings", "ignore:A test tried to use socket:UserWarning")


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    socket_allow_hosts(LOCAL, allow_unix_socket=True)
    socket.getaddrinfo = _local_names_only


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One PostgreSQL for each process of the test run, started when the first test wants it."""
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs twice: with SQLite in its data folder, and with a fresh PostgreSQL database."""
    kind: str = request.param
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgres_server")
        monkeypatch.setenv("DATABASE_URL", server.create())
    return kind
