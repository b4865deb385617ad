"""Schoology target: passwords that the school issued are set by LMS id, and nothing else of the account changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollbook.connectors.base import Batch
from rollbook.errors import Bug
from rollbook.roster.changes import Change
from rollbook.roster.lms import SET_PASSWORD
from tests.integration.schoology_world import World, practice

pytestmark = pytest.mark.rule(14)
GOOD = "a-long-issued-password"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with practice(tmp_path) as made:
        yield made


@pytest.fixture
def people(world: World) -> dict[str, Change]:
    (place,) = world.done(world.building())
    users = [world.user(key, place) for key in ("ana", "ben")]
    ids = world.done(*users)
    changes = [
        msgspec.structs.replace(user, action=SET_PASSWORD, lms_id=own) for user, own in zip(users, ids, strict=True)
    ]
    return {change.key: change for change in changes}


def fits(world: World, key: str, password: str) -> bool:
    return bool(world.password(key, password)["matches"])


def send(world: World, changes: list[Change], **passwords: str) -> list[Any]:
    return list(world.target.apply(Batch(kind="user", action=SET_PASSWORD, changes=changes, secrets=passwords)))


def test_only_the_password_changes(world: World, people: dict[str, Change]) -> None:
    before = world.state()
    world.reset_counters()
    outcomes = send(world, list(people.values()), ana=GOOD, ben=f"{GOOD}-2")
    assert [one.status for one in outcomes] == ["done", "done"]
    assert world.calls("PUT", "users") == 1
    assert fits(world, "ana", GOOD)
    assert fits(world, "ben", f"{GOOD}-2")
    after = world.state()
    assert after["mails"] == {}
    assert {name: rows for name, rows in after.items() if name != "users"} == {
        name: rows for name, rows in before.items() if name != "users"
    }


def test_a_refusal_is_of_one_person_and_says_no_password(world: World, people: dict[str, Change]) -> None:
    refused, done = send(world, list(people.values()), ana="short", ben=GOOD)
    assert (refused.status, done.status) == ("refused", "done")
    assert "12" in refused.message
    assert "short" not in refused.message
    assert not fits(world, "ana", "short")


def test_without_id_or_password_nothing_is_sent(world: World, people: dict[str, Change]) -> None:
    nameless = msgspec.structs.replace(people["ana"], lms_id=None)
    world.reset_counters()
    assert [one.status for one in send(world, [nameless, people["ben"]], ana=GOOD)] == ["refused", "refused"]
    assert world.calls("PUT", "users") == 0


def test_other_kinds_have_no_password(world: World, people: dict[str, Change]) -> None:
    for batch in (
        Batch(kind="course", action=SET_PASSWORD, changes=[people["ana"]], secrets={"ana": GOOD}),
        Batch(kind="user", action=SET_PASSWORD, changes=[people["ana"]] * 51, secrets={"ana": GOOD}),
    ):
        with pytest.raises(Bug):
            world.target.apply(batch)
        assert GOOD not in repr(batch)
