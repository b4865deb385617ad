"""Trouble in words: who must act, the right exit code, one JSON document, no traceback, no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, check_schema


@pytest.mark.parametrize(
    "arguments",
    [
        ("sync",),
        ("sync", "maple", "--kind", "pupils"),
        ("no-such-command",),
        ("run", "show"),
        ("version", "--colour"),
        ("hold", "approve", "x"),
        ("check",),
        ("generate", "x", "--students", "0"),
    ],
)
def test_wrong_usage_is_2(rollbook: Command, arguments: tuple[str, ...]) -> None:
    answer = rollbook.text(*arguments)
    assert answer.code == 2
    assert "Traceback" not in answer.err
    assert answer.out == ""
    as_json = rollbook.text(*arguments, "--json")
    assert as_json.code == 2
    check_schema("error", as_json.json)


def test_unknown_organization_and_run(rollbook: Command) -> None:
    error = rollbook("sync", "maple", schema="error", code=2)
    assert "config import" in error["error"]["message"]
    error = rollbook("run", "show", "nothing", schema="error", code=2)
    assert "no run" in error["error"]["message"]


def test_a_refused_key_names_who_must_act(rollbook: Command, world: Space) -> None:
    world.key = "another"
    run = rollbook("sync", "maple", code=1)
    assert run["state"] == "failed"
    assert run["error"]["error"] == "AuthFailed"
    assert "renews the credentials" in run["error"]["who"]
    shown = rollbook.text("sync", "maple")
    assert shown.code == 1
    assert "Who must act" in shown.out
    world.key = "memory"
    assert rollbook("sync", "maple")["state"] == "done"


def test_a_bug_is_called_one(rollbook: Command, world: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("Jane Doe's row")

    monkeypatch.setattr("rollbook.pipeline.roster_run.plan_run", broken)
    answer = rollbook.text("sync", "maple", "--json")
    assert answer.code == 1
    assert answer.json["error"]["error"] == "Bug"
    assert "ZeroDivisionError" in answer.json["error"]["message"]
    assert "Jane" not in answer.out + answer.err


def test_a_bug_outside_a_run_is_called_one_too(rollbook: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("rollbook.store.setup.setup", broken)
    answer = rollbook.text("runs", "--json")
    assert answer.code == 1
    check_schema("error", answer.json)
    assert "Traceback" not in answer.err
    assert "Traceback" in rollbook.text("runs", "--debug").err


def test_wrong_settings_found_by_a_run_are_2(rollbook: Command, world: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    from rollbook.errors import MappingError

    def broken(*_: object) -> None:
        raise MappingError("the LMS has no role Student")

    monkeypatch.setattr("rollbook.pipeline.roster_run.plan_run", broken)
    run = rollbook("sync", "maple", code=2)
    assert run["error"]["error"] == "MappingError"


def test_too_little_room_is_told_before_anything_is_read(
    rollbook: Command, world: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook.engine.world.input_bytes", lambda options: 1 << 60)
    run = rollbook("sync", "maple", code=2)
    assert "MiB free" in run["error"]["message"]
    assert world.calls == 0


def test_help_and_completion_need_no_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_DATA", str(tmp_path / "none"))
    for arguments in (("--help",), ("run", "--help"), ("sync", "--help")):
        from rollbook.cli.main import main

        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
    assert not (tmp_path / "none").exists()


def test_json_is_one_document_and_nothing_else(rollbook: Command, world: Space) -> None:
    answer = rollbook.text("sync", "maple", "--json")
    document, end = json.JSONDecoder().raw_decode(answer.out)
    assert not answer.out[end:].strip()
    assert document["run"]
