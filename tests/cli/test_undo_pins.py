"""Undo from the command line: by person, guarded, pinned, listed and lifted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, fill, open_store
from tests.cli.once import once

MADE = "users that the run created, for Rollbook deletes none"
BY = ("--by", "Ann", "--reason", "the SIS is right after all")


def rename(world: Space, *names: str) -> list[str]:
    """Rename the first students; their ids."""
    users = [dict(row) for row in world.rows["users"]]
    students = [row for row in users if row["role"] == "student"][: len(names)]
    for row, name in zip(students, names, strict=True):
        row["givenName"] = name
    world.rows["users"] = users
    return [row["sourcedId"] for row in students]


def first_name(world: Space, key: str) -> str:
    return str(next(one for one in world.all("user") if one.code == key).fields["first_name"])


@pytest.fixture
def renamed(rollbook: Command, world: Space) -> tuple[list[str], str]:
    """Two students were renamed by a run; their ids, and the run."""

    def make() -> tuple[list[str], str]:
        rollbook("sync", "maple")
        keys = rename(world, "Renamed", "Other")
        return keys, rollbook("sync", "maple")["run"]

    return once(rollbook.data, world, "renamed", make)


@pytest.mark.rule(28)
def test_an_undo_of_one_person_is_pinned_and_the_next_sync_leaves_it(
    rollbook: Command, world: Space, renamed: tuple[list[str], str]
) -> None:
    keys, run = renamed
    undone = rollbook("run", "undo", run, "--person", keys[0])
    assert undone["persons"] == [keys[0]]
    assert undone["kinds"]["user"]["done"] == 1
    assert first_name(world, keys[0]) != "Renamed"
    assert first_name(world, keys[1]) == "Other"
    after = rollbook("sync", "maple")
    assert after["kinds"]["user"]["update"] == 0
    assert after["findings"]["UNDO_PIN"] == 1
    [pin] = rollbook("pin", "list", "maple", schema="pins")["pins"]
    assert (pin["kind"], pin["key"], pin["field"], pin["sis"]) == ("user", keys[0], "first_name", "Renamed")
    assert pin["value"] == first_name(world, keys[0])
    assert pin["run"] == undone["run"]
    assert str(pin["pin"]) in rollbook.text("pin", "list", "maple").out


@pytest.mark.rule(28)
def test_a_person_lifts_a_pin(rollbook: Command, world: Space, renamed: tuple[list[str], str]) -> None:
    from rollbook.store.models import AuditRow

    keys, run = renamed
    undone = rollbook("run", "undo", run)
    pins = rollbook("pin", "list", "maple", schema="pins")["pins"]
    assert len(pins) == 2
    number = next(str(pin["pin"]) for pin in pins if pin["key"] == keys[0])
    [lifted] = rollbook("pin", "lift", "maple", number, *BY, schema="pins")["pins"]
    assert lifted["why"] == "lifted by Ann: the SIS is right after all"
    rollbook("pin", "lift", "maple", number, *BY, schema="error", code=2)
    rollbook("pin", "lift", "maple", *BY, schema="error", code=2)
    rollbook("sync", "maple")
    assert (first_name(world, keys[0]), first_name(world, keys[1]) == "Other") == ("Renamed", False)
    rollbook("pin", "lift", "maple", "--run", undone["run"], *BY, schema="pins")
    rollbook("sync", "maple")
    assert first_name(world, keys[1]) == "Other"
    assert rollbook("pin", "list", "maple", schema="pins")["pins"] == []
    assert len(rollbook("pin", "list", "maple", "--all", schema="pins")["pins"]) == 2
    with open_store(rollbook.data):
        rows = AuditRow.objects.filter(action="lift pins")
        assert [(row.by, row.organization) for row in rows] == [("Ann", "maple")] * 2


@pytest.mark.rule(28)
def test_a_changed_sis_ends_a_pin_with_its_reason(
    rollbook: Command, world: Space, renamed: tuple[list[str], str]
) -> None:
    keys, run = renamed
    rollbook("run", "undo", run, "--person", keys[0])
    rename(world, "Third")
    rollbook("sync", "maple")
    assert first_name(world, keys[0]) == "Third"
    [pin] = rollbook("pin", "list", "maple", "--all", schema="pins")["pins"]
    assert pin["ended_at"] is not None
    assert "SIS" in pin["why"]


@pytest.mark.rule(28)
def test_an_undone_undo_sets_its_pins_free(rollbook: Command, world: Space, renamed: tuple[list[str], str]) -> None:
    keys, run = renamed
    undone = rollbook("run", "undo", run)
    rollbook("run", "undo", undone["run"])
    assert first_name(world, keys[0]) == "Renamed"
    assert rollbook("pin", "list", "maple", schema="pins")["pins"] == []
    assert rollbook("sync", "maple")["requests"]["lms"] >= 0
    assert first_name(world, keys[0]) == "Renamed"


@pytest.mark.rule(28)
def test_what_cannot_be_undone_is_said_before(rollbook: Command, world: Space, days: list[Path]) -> None:
    first = rollbook("sync", "maple")
    planned = rollbook("run", "undo", first["run"], "--dry-run", code=3)
    made = first["kinds"]["user"]["create"]
    assert planned["stays"][MADE] == made
    assert planned["conflicts"][MADE] == made
    said = rollbook.text("run", "undo", first["run"], "--dry-run")
    assert f"Will not be undone: {MADE}: {made}" in said.err
    assert f"Cannot be undone: {MADE}: {made}" in said.out


@pytest.mark.rule(28)
def test_it_is_said_before_although_a_worker_works_the_queue(
    rollbook: Command, world: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool takes a queued run within a moment: nothing is queued before the last word is said."""
    from rollbook.cli.shell import Shell
    from rollbook.store.models import Run

    first = rollbook("sync", "maple")
    said: list[tuple[str, int]] = []
    monkeypatch.setattr(
        Shell, "note", lambda _, text: said.append((text, Run.objects.filter(undo_of=first["run"]).count()))
    )
    with working(rollbook):
        undone = rollbook("run", "undo", first["run"], "--dry-run", code=3)
    told = [(text, queued) for text, queued in said if text.startswith("Will not be undone")]
    assert len(told) == len(undone["stays"]) > 0
    assert [queued for _, queued in told] == [0] * len(told)
    assert undone["stays"].items() <= undone["conflicts"].items()


@contextmanager
def working(rollbook: Command) -> Iterator[None]:
    """A worker that stays, as `rollbook worker` is one."""
    from rollbook.engine.service import serve_queue

    stop, ready = threading.Event(), threading.Event()

    def work() -> None:
        with open_store(rollbook.data) as folder:
            serve_queue(folder, stop, alone=True, on_ready=lambda words: ready.set())

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert ready.wait(60)
        yield
    finally:
        stop.set()
        worker.join()


@pytest.mark.rule(28)
def test_a_dry_undo_is_applied_like_any_plan_and_pins(
    rollbook: Command, world: Space, renamed: tuple[list[str], str]
) -> None:
    keys, run = renamed
    planned = rollbook("run", "undo", run, "--dry-run")
    assert planned["state"] == "planned"
    assert first_name(world, keys[0]) == "Renamed"
    assert rollbook("pin", "list", "maple", schema="pins")["pins"] == []
    rollbook("run", "apply", planned["run"])
    assert first_name(world, keys[0]) != "Renamed"
    assert len(rollbook("pin", "list", "maple", schema="pins")["pins"]) == 2


@pytest.mark.rule(26)
@pytest.mark.rule(28)
def test_a_held_undo_waits_beside_the_syncs_holds(rollbook: Command, world: Space, tmp_path: Path) -> None:
    file = tmp_path / "maple.yaml"
    file.write_text(file.read_text() + "limits: {remove: {percent: 0, from: 1}}\n")
    rollbook("config", "import", str(file), schema="config-import")
    first = rollbook("sync", "maple")
    there = len(world.all("enrollment"))
    held = rollbook("run", "undo", first["run"], code=3)
    holds = rollbook("hold", "list", "maple", schema="holds")["holds"]
    rollbook("sync", "maple")
    names = {row["sourcedId"]: row["name"] for row in world.rows["orgs"]}
    assert {hold["school_name"] for hold in holds} == {names[hold["school"]] for hold in holds}
    assert rollbook("hold", "list", "maple", schema="holds")["holds"] == holds, "a sync decides nothing about an undo"
    assert sum(hold["count"] for hold in holds) == held["kinds"]["enrollment"]["held"] == there
    some = rollbook("hold", "approve", holds[0]["hold"], "--by", "Ann", "--reason", "all wrong", code=3)
    assert some["kinds"]["enrollment"]["done"] == holds[0]["count"]
    again = rollbook("hold", "approve", "--all", "--org", "maple", "--by", "Ann", "--reason", "all wrong")
    assert again["undo_of"] == first["run"]
    assert world.all("enrollment") == []
    rollbook("sync", "maple")
    assert world.all("enrollment") == [], "and they are pinned"


@pytest.mark.rule(28)
def test_a_run_that_touched_many_things_is_undone_for_good(rollbook: Command, world: Space, days: list[Path]) -> None:
    rollbook("sync", "maple")
    before = {(one.code, str(one.fields)) for one in world.all("enrollment")}
    fill(world, days[1])
    second = rollbook("sync", "maple")
    rollbook("run", "undo", second["run"])
    rollbook("sync", "maple")
    assert {(one.code, str(one.fields)) for one in world.all("enrollment")} == before
