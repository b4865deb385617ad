"""A hostile SIS, an LMS that repeats names in its refusals, and a crash: none of the people stands in the log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.testing import hostile
from tests.cli.kit import Command, open_store

Crash = Callable[..., None]
_PERSONAL = ("givenName", "familyName", "middleName", "username", "email", "phone", "sms", "password", "identifier")


@contextmanager
def _logging(**settings: int) -> Iterator[io.StringIO]:
    from rollbook.engine.log import set_up_logging

    root, own = logging.getLogger(), logging.getLogger("rollbook")
    before = root.handlers[:], root.level, own.level
    stream = io.StringIO()
    set_up_logging("json", stream=stream, **settings)
    try:
        yield stream
    finally:
        root.handlers[:], root.level, own.level = before


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a process that stays writes."""
    with _logging() as stream:
        yield stream


@pytest.fixture
def every_detail() -> Iterator[io.StringIO]:
    """Everything that Rollbook logs, down to the last detail."""
    with _logging(level=logging.DEBUG) as stream:
        logging.getLogger().setLevel(logging.DEBUG)
        yield stream


@pytest.fixture
def crash(world: Space) -> Crash:
    """Raises an error that names a person, as the database or a parser might."""
    user = next(row for row in world.rows["users"] if row["role"] == "student")

    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"cannot read {user['givenName']} {user['username']}")

    return fail


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


def test_a_hostile_sync_names_nobody(rollbook: Command, world: Space, every_detail: io.StringIO) -> None:
    world.rows = hostile.rows()
    rollbook("sync", "maple")
    lines = _check(every_detail, _people(world))
    first, last = _of_runs(lines)
    assert first["organization"] == last["organization"] == "maple"
    assert first["run"] == last["run"]
    assert last["message"].startswith("run done")


def test_refusals_and_a_crash_name_nobody(
    rollbook: Command, world: Space, every_detail: io.StringIO, monkeypatch: pytest.MonkeyPatch, crash: Crash
) -> None:
    users = [row for row in world.rows["users"] if row["role"] == "student"]
    world.faults.refuse = {row["sourcedId"]: f"{row['givenName']} {row['username']} is not wanted" for row in users[:5]}
    rollbook("sync", "maple")
    monkeypatch.setattr("rollbook.engine.worker.open_world", crash)
    rollbook("sync", "maple", code=1)
    lines = _check(every_detail, _people(world))
    assert _of_runs(lines)[-1]["level"] == "warning"


def _errors(log: io.StringIO, world: Space) -> list[dict[str, Any]]:
    """The lines at level error, each with the exception and where it happened."""
    errors = [line for line in _check(log, _people(world)) if line["level"] == "error"]
    for line in errors:
        assert line["exception"] == "ValueError"
        assert "tests/cli/test_logs.py" in line["places"][0]
    return errors


def test_a_crash_inside_a_run_is_logged_with_its_places(
    rollbook: Command, world: Space, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, crash: Crash
) -> None:
    monkeypatch.setattr("rollbook.pipeline.roster_run.resolve", crash)
    run = rollbook("sync", "maple", code=1)
    assert run["error"]["error"] == "Bug"
    [line] = _errors(log, world)
    assert (line["run"], line["organization"]) == (run["run"], "maple")
    assert any("engine/worker.py" in place for place in line["places"])


def test_a_crash_while_settling_is_logged_too(
    rollbook: Command, world: Space, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, crash: Crash
) -> None:
    monkeypatch.setattr("rollbook.pipeline.roster_run.settle", crash)
    run = rollbook("sync", "maple", code=1)
    assert run["settled"] is False
    assert [line["message"].partition(" met ")[0] for line in _errors(log, world)] == [
        f"run {run['run']}",
        f"settling run {run['run']}",
    ]


def test_a_bug_that_was_seen_is_logged_too(
    rollbook: Command, world: Space, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rollbook.errors import Bug

    def fail(*_: object, **__: object) -> None:
        raise Bug("a plan without an end")

    monkeypatch.setattr("rollbook.pipeline.roster_run.resolve", fail)
    rollbook("sync", "maple", code=1)
    [line] = [line for line in _check(log, _people(world)) if line["level"] == "error"]
    assert line["exception"] == "rollbook.errors.Bug"


def test_foreseen_trouble_leaves_no_places(rollbook: Command, world: Space, log: io.StringIO) -> None:
    world.key = "another"
    rollbook("sync", "maple", code=1)
    lines = _check(log, _people(world))
    assert not [line for line in lines if line["level"] == "error" or "exception" in line]


def test_a_command_that_ends_soon_tells_no_more_on_stderr(
    rollbook: Command, world: Space, monkeypatch: pytest.MonkeyPatch, crash: Crash
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr("rollbook.pipeline.roster_run.resolve", crash)
    said = rollbook.text("sync", "maple").err
    assert "ValueError at " in said
    assert "tests/cli/test_logs.py" in said
    assert "cannot read" not in said
    assert not [value for value in _people(world) if value in said]


def test_a_chore_and_a_heart_that_stumble_are_logged(
    rollbook: Command, world: Space, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, crash: Crash
) -> None:
    """A chore crashes while runs are worked, and so does the heart; both go on."""
    import threading

    from rollbook.engine.heart import Heart
    from rollbook.engine.service import Chore, serve_queue

    stop, shown = threading.Event(), []

    def show(heart: Heart) -> None:
        shown.append(heart)
        if len(shown) > 1:
            stop.set()
        crash()

    monkeypatch.setattr(Heart, "_show", show)
    with open_store(rollbook.data) as folder:
        serve_queue(folder, stop, alone=True, chores=[Chore("queueing", 60, crash)])
    words = {line["message"].partition(" ")[0] + " " + line["message"].split()[1] for line in _errors(log, world)}
    assert words == {"chore queueing", "the heart"}
