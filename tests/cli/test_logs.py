"""A hostile SIS, an LMS that repeats names in its refusals, and a crash: none of the people stands in the log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.testing import hostile
from tests.cli.kit import Command

_PERSONAL = ("givenName", "familyName", "middleName", "username", "email", "phone", "sms", "password", "identifier")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that Rollbook logs, down to the last detail, as a process that stays would write it."""
    from rollbook.engine.log import set_up_logging

    root, own = logging.getLogger(), logging.getLogger("rollbook")
    before = root.handlers[:], root.level, own.level
    stream = io.StringIO()
    set_up_logging("json", stream=stream, level=logging.DEBUG)
    root.setLevel(logging.DEBUG)
    yield stream
    root.handlers[:], root.level, own.level = before


def _people(space: Space) -> set[str]:
    rows = [row for row in space.rows["users"] if isinstance(row, dict)]
    values = {row[name] for row in rows for name in _PERSONAL if isinstance(row.get(name), str)}
    return {value.strip() for value in values if len(value.strip()) > 3}


def _check(log: io.StringIO, people: set[str]) -> list[dict[str, str]]:
    text = log.getvalue()
    assert len(people) > 15
    assert not [value for value in people if value in text or json.dumps(value)[1:-1] in text]
    return [json.loads(line) for line in text.splitlines()]


def _of_runs(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    return [line for line in lines if line["logger"] == "rollbook.engine.logged_run"]


def test_a_hostile_sync_names_nobody(rollbook: Command, world: Space, log: io.StringIO) -> None:
    world.rows = hostile.rows()
    rollbook("sync", "maple")
    lines = _check(log, _people(world))
    first, last = _of_runs(lines)
    assert first["organization"] == last["organization"] == "maple"
    assert first["run"] == last["run"]
    assert last["message"].startswith("run done")


def test_refusals_and_a_crash_name_nobody(
    rollbook: Command, world: Space, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [row for row in world.rows["users"] if row["role"] == "student"]
    world.faults.refuse = {row["sourcedId"]: f"{row['givenName']} {row['username']} is not wanted" for row in users[:5]}
    rollbook("sync", "maple")

    def crash(*_: object, **__: object) -> None:
        raise ValueError(f"cannot read {users[0]['givenName']} {users[0]['username']}")

    monkeypatch.setattr("rollbook.engine.worker.open_world", crash)
    rollbook("sync", "maple", code=1)
    lines = _check(log, _people(world))
    assert _of_runs(lines)[-1]["level"] == "warning"
    crashed = next(line for line in lines if line.get("exception"))
    assert crashed["exception"] == "ValueError"
    assert "tests/cli/test_logs.py" in crashed["places"][0]
    assert crashed["run"]
