"""People are in the site cohorts of their buildings, and in no cohort of a building that they have left."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.connectors.moodle.functions import COHORTS_LEFT
from rollbook.errors import AuthFailed
from rollbook.practice.moodle.functions import FUNCTIONS
from rollbook.roster.changes import Change
from tests.integration.moodle_world import Switch, World


@pytest.fixture
def world(switch: Switch, tmp_path: Path) -> Iterator[World]:
    made = World(switch, tmp_path, {}, cohorts=True)
    yield made
    made.close()


def cohorts(world: World) -> dict[str, list[str]]:
    """Members by name."""
    return {each["name"]: each["members"] for each in world.state()["cohorts"]}


def test_people_are_put_into_the_cohorts_of_their_buildings(world: World) -> None:
    north, south = world.done(world.building(), world.building("south"))
    both = {"refs": {"building": north, "additional_buildings": [south]}}
    people = [world.user("u1", more=both), world.user("u2", more={"refs": {"building": north}})]
    for _ in range(2):
        world.done(*people)
        assert cohorts(world) == {"North": ["u1", "u2"], "South": ["u1"]}


class TestLeavingABuilding:
    """u1 was in North and South, and is in South and West now."""

    @pytest.fixture
    def moving(self, world: World) -> World:
        north, south, west = world.done(*(world.building(name) for name in ("north", "south", "west")))
        there = {"building": north, "additional_buildings": [south]}
        world.done(*(world.user(f"u{n}", more={"refs": there}) for n in (1, 2)))
        self.refs = {"building": south, "additional_buildings": [west], "before.building": north,
                     "before.additional_buildings": [south]}  # fmt: skip
        self.people = world.accounts
        world.fresh_target()
        return world

    def move(self, world: World) -> Change:
        before = {"building": "org:north", "additional_buildings": ["org:south"]}
        more = {"before": before, "refs": self.refs, "lms_id": self.people["u1"]}
        return world.user("u1", "update", more)

    def test_ends_in_its_cohort_and_in_no_other(self, moving: World) -> None:
        assert cohorts(moving) == {"North": ["u1", "u2"], "South": ["u1", "u2"]}
        for _ in range(2):
            moving.done(self.move(moving))
            assert cohorts(moving) == {"North": ["u2"], "South": ["u1", "u2"], "West": ["u1"]}

    def test_leaves_cohorts_alone_that_people_made(self, moving: World) -> None:
        for name in ("chess", "rollbook-999999"):
            own = moving.site.store.insert("cohorts", name=name, idnumber=name)
            moving.site.store.run("INSERT INTO cohort_members VALUES (?, ?)", own, int(self.people["u1"]))
        moving.done(self.move(moving))
        left = cohorts(moving)
        assert (left["chess"], left["rollbook-999999"]) == (["u1"], ["u1"])

    def test_with_a_service_from_before_keeps_the_old_cohort(self, moving: World) -> None:
        older = frozenset(FUNCTIONS) - set(COHORTS_LEFT)
        moving.site.settings = dataclasses.replace(moving.site.settings, functions=older)
        moving.done(self.move(moving))
        assert cohorts(moving)["North"] == ["u1", "u2"]
        with pytest.raises(AuthFailed, match="core_cohort_delete_cohort_members"):
            moving.target.test()

    @pytest.mark.parametrize("function", COHORTS_LEFT)
    def test_is_done_once_that_is_written_too(self, moving: World, function: str) -> None:
        moving.fault("invalid_token", path=function)
        (outcome,) = moving.apply(self.move(moving))
        assert outcome.status == "unknown"
        moving.no_faults()
        moving.done(self.move(moving))
        assert cohorts(moving)["North"] == ["u2"]
