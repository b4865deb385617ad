"""The tests' own short cut: a command that was given just so before is not worked again, and leaves what it left."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.engine import waiting
from tests.cli import again
from tests.cli.kit import Command


@pytest.fixture(autouse=True)
def worked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing was worked yet, whatever was in this process before. Every sync worked from now on is listed."""
    monkeypatch.setattr(again, "_lived", type(again._lived)())
    monkeypatch.setattr(again, "_first_seen", {})
    commands: list[Any] = []
    real = Command._work

    def work(self: Command, arguments: Any) -> Any:
        commands.extend([arguments] if arguments[0] == "sync" else [])
        return real(self, arguments)

    monkeypatch.setattr(Command, "_work", work)
    return commands


@pytest.fixture
def back(rollbook: Command, world: Space, tmp_path: Path) -> Callable[[], None]:
    """Brings data folder and space back to where they are before the test."""
    shutil.copytree(rollbook.data, tmp_path / "before")
    state = copy.deepcopy({name: value for name, value in vars(world).items() if name != "lock"})

    def bring() -> None:
        shutil.rmtree(rollbook.data)
        shutil.copytree(tmp_path / "before", rollbook.data)
        vars(world).update(copy.deepcopy(state))

    return bring


def _night(rollbook: Command, world: Space) -> list[Any]:
    """All that shows of two syncs, between which somebody's name changes."""
    seen: list[Any] = []
    for name in ("", "Susan"):
        if name:
            world.rows["users"] = [dict(row, givenName=name) for row in world.rows["users"]]
        run = rollbook("sync", "maple")
        seen += [run, rollbook("run", "changes", run["run"], schema="changes"), rollbook("runs", schema="runs")]
        seen += [copy.deepcopy(world.all(kind)) for kind in ("user", "enrollment")] + [world.calls, world.passwords]
    return seen


def test_it_leaves_what_the_worked_command_left(
    rollbook: Command, world: Space, back: Callable[[], None], worked: list[Any]
) -> None:
    first = _night(rollbook, world)
    assert len(worked) == 2
    back()
    assert _night(rollbook, world) == first
    assert len(worked) == 2, "no sync was worked again"


@pytest.mark.parametrize("change", ["row", "lms", "file", "environment", "argument", "patch", "constant", "database"])
def test_whatever_is_not_as_before_is_worked(
    rollbook: Command, world: Space, back: Callable[[], None], worked: list[Any], monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:  # fmt: skip
    rollbook("sync", "maple")
    back()
    more = ()
    if change == "row":
        world.rows["users"] = world.rows["users"][:-1]
    elif change == "lms":
        world.key = "another"
    elif change == "file":
        (rollbook.data / "note").write_text("here")
    elif change == "environment":
        monkeypatch.setenv("ROLLBOOK_X", "1")
    elif change == "argument":
        more = ("--live",)
    elif change == "patch":
        real = waiting.work_until_ended
        monkeypatch.setattr(waiting, "work_until_ended", lambda *given: real(*given))
    elif change == "constant":
        monkeypatch.setattr(waiting, "_LOOK_EVERY", 0.1)
    else:
        monkeypatch.setenv("DATABASE_URL", f"{os.fspath(rollbook.data)}-is-no-database")
    rollbook.text("sync", "maple", *more, "--json")
    assert len(worked) == 2
