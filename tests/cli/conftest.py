"""The command, and an organization whose SIS and LMS are in memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space, forget, space
from rollbook.practice import district
from tests.cli.kit import SETTINGS, Command, fill, place_tables
from tests.cli.once import once
from tests.staged import quick_runs


@pytest.fixture(autouse=True)
def _quick_runs() -> Iterator[None]:
    """Runs in this process; those of real processes keep their scratch files as everywhere."""
    with quick_runs():
        yield


@pytest.fixture
def rollbook(tmp_path: Path) -> Command:
    place_tables(tmp_path / "data")
    return Command(tmp_path / "data")


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two days of a small district; a fifth of it changes over night."""
    return district.generate(tmp_path_factory.mktemp("district"), students=40, seed=3, days=2, change=0.2)


@pytest.fixture
def world(rollbook: Command, tmp_path: Path, days: list[Path]):
    """The memory SIS holds day 1, the memory LMS is empty, the settings of `maple` are imported."""
    name = uuid.uuid4().hex
    found: Space = space(name)
    fill(found, days[0])
    settings = tmp_path / "maple.yaml"
    settings.write_text(SETTINGS.replace("SPACE", name))
    once(rollbook.data, found, "world", lambda: rollbook("config", "import", str(settings), schema="config-import"))
    settings.write_text(SETTINGS.replace("SPACE", found.name))
    yield found
    forget(found.name)
