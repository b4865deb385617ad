"""DATABASE_URL: what it says arrives, what is wrong is named, and its password is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.errors import ConfigError
from rollbook.store.database import settings_for
from rollbook.store.folder import DataFolder

FOLDER = DataFolder(Path("/data"))


def _read(url: str) -> dict:
    return settings_for(FOLDER, {"DATABASE_URL": url})


@pytest.mark.parametrize("environment", [{}, {"DATABASE_URL": ""}, {"DATABASE_URL": "  "}])
def test_without_it_sqlite_lies_in_the_data_folder(environment: dict[str, str]) -> None:
    found = settings_for(FOLDER, environment)
    assert found["NAME"] == "/data/rollbook.sqlite3"
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_every_part_arrives(scheme: str) -> None:
    found = _read(f"{scheme}://rolf:h%40sh%2F%20x@db.example:6432/roll%20book?sslmode=require&connect_timeout=3")
    assert [found[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "rolf", "h@sh/ x", "db.example", "6432", "roll book",
    ]  # fmt: skip
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["connect_timeout"] == "3"
    assert found["CONN_HEALTH_CHECKS"]


def test_a_socket_and_own_session_options() -> None:
    found = _read("postgresql:///name?host=/run/postgresql&options=-c%20work_mem%3D64MB")
    assert (found["HOST"], found["NAME"], found["USER"]) == ("/run/postgresql", "name", "")
    assert "work_mem=64MB" in found["OPTIONS"]["options"]
    assert "lock_timeout" in found["OPTIONS"]["options"]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hush@h/n",
        "sqlite:///hush",
        "hush",
        "postgresql://u:hush@h:port:5/n",
        "postgresql://u:hush@h/n?no_such_option=1",
        "postgresql://u:hush@h",
        "postgresql://u:hush%zz@h/n",
    ],
)
def test_what_is_wrong_is_named_without_the_password(url: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL") as error:
        _read(url)
    assert "hush" not in str(error.value)
    assert error.value.__cause__ is None
