"""What the tests of reliability share: a small district's days, their undisturbed twin, and places to fork workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.practice import district
from tests.postgres import Server
from tests.reliability.nursery import Nursery
from tests.reliability.world import Day, undisturbed


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two days of a small district; a tenth of it changes over night."""
    return district.generate(tmp_path_factory.mktemp("district"), students=30, seed=5, days=2, change=0.1)


@pytest.fixture(scope="session")
def one_nursery() -> Iterator[Nursery]:
    with Nursery(ROLLBOOK_LEASE_SECONDS="1") as found:
        yield found


@pytest.fixture
def nursery(one_nursery: Nursery) -> Iterator[Nursery]:
    yield one_nursery
    one_nursery.clear()


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory, days: list[Path], one_nursery: Nursery) -> list[Day]:
    return undisturbed(tmp_path_factory.mktemp("twin") / "data", days, one_nursery)


@pytest.fixture
def postgres_server(postgres: Server) -> Server:
    """Where a test makes as many databases as it needs."""
    return postgres
