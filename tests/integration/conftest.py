"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.districts import District, Organization, small
from tests.integration.moodle_world import Switch, switched


@pytest.fixture
def organization(tmp_path: Path) -> Callable[..., Organization]:
    """Makes an organization of a district (by default `small()`) and of settings."""

    def make(district: District | None = None, **settings: Any) -> Organization:
        return Organization(tmp_path / "org", district if district is not None else small(), **settings)

    return make


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    """A server for one practice Moodle after the other."""
    with switched() as running:
        yield running
