"""The same journeys on SQLite and on PostgreSQL, through the command; and what is told when the database is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, fill, place_tables


@pytest.fixture
def rollbook(tmp_path: Path, database: str) -> Command:
    place_tables(tmp_path / "data")
    return Command(tmp_path / "data")


def test_plan_sync_and_nothing_left_to_do(rollbook: Command, world: Space, days: list[Path]) -> None:
    planned = rollbook("plan", "maple")
    assert rollbook("run", "apply", planned["run"])["state"] == "done"
    fill(world, days[1])
    changed = rollbook("sync", "maple")
    assert changed["kinds"]["enrollment"]["remove"] or changed["holds"]
    again = rollbook("sync", "maple")
    assert all(counts["create"] == counts["update"] == 0 for counts in again["kinds"].values())
    shown = rollbook("run", "changes", changed["run"], schema="changes")["changes"]
    assert shown
    assert rollbook("run", "findings", changed["run"], schema="findings")["run"] == changed["run"]


def test_a_hold_is_approved_and_a_run_undone(rollbook: Command, world: Space, days: list[Path]) -> None:
    first = rollbook("sync", "maple")
    world.rows["enrollments"] = world.rows["enrollments"][:40]
    held = rollbook("sync", "maple", code=3)
    waiting = rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert {hold["hold"] for hold in waiting} == {hold["hold"] for hold in held["holds"]}
    hold = next(one for one in waiting if one["kind"] == "enrollment")
    rollbook("hold", "reject", hold["hold"], "--by", "Ann", "--reason", "no", schema="hold")
    undone = rollbook.text("run", "undo", first["run"], "--json")
    assert undone.code in (0, 3)


def test_keys_and_garbage(rollbook: Command, world: Space) -> None:
    rollbook("sync", "maple")
    assert rollbook("keys", "rotate", schema="keys-rotate")["encrypted"] > 40
    assert rollbook("gc", "--days", "0", schema="gc")["deleted"] == 0
    assert rollbook("sync", "maple")["state"] == "done"


def test_postgresql_has_its_own_backup(rollbook: Command, world: Space, database: str, tmp_path: Path) -> None:
    answer = rollbook.text("backup", str(tmp_path / "backup.zip"), "--json")
    if database == "sqlite":
        assert answer.code == 0
        return
    assert answer.code == 2
    assert "pg_dump" in answer.json["error"]["message"]
    assert rollbook("restore", "--from-dump", schema="restore")["compare_live"]


def test_an_empty_database_is_no_restored_one(tmp_path: Path, postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres.fresh() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        told = Command(tmp_path / "data")("restore", "--from-dump", schema="error", code=2)["error"]["message"]
    assert "is empty; fill it with pg_restore first" in told


def test_doctor_asks_the_database_before_there_is_a_data_folder(
    tmp_path: Path, postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever installs it tries DATABASE_URL first."""
    new = Command(tmp_path / "data")
    with postgres.fresh() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        [found] = [one for one in new("doctor", schema="doctor")["checks"] if one["check"] == "database"]
        assert "PostgreSQL" in found["found"]
    [found] = [one for one in new("doctor", schema="doctor", code=1)["checks"] if one["check"] == "database"]
    assert not found["ok"]
    assert not new.data.exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://ann:sesame@127.0.0.1:1/none", "does not answer"),
        ("mysql://ann:sesame@127.0.0.1/none", "must begin with postgresql"),
        ("sesame@x", "DATABASE_URL"),
    ],
)
def test_a_database_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, words: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    answer = Command(tmp_path / "data").text("runs", "--json")
    assert answer.code in (1, 2)
    assert words in answer.json["error"]["message"]
    assert "sesame" not in answer.out + answer.err


def test_other_keys_are_not_made_up(rollbook: Command, world: Space, tmp_path: Path) -> None:
    rollbook("sync", "maple")
    (tmp_path / "data" / "keys").rename(tmp_path / "saved")
    failed = rollbook("sync", "maple", code=2)
    assert "keys file" in failed["error"]["message"]
    assert not (tmp_path / "data" / "keys").exists()
