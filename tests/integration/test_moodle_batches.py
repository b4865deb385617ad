"""A Moodle batch that ends early keeps what was done of it, and no section is made twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollbook.errors import AuthFailed, RollbookError
from tests.integration.moodle_world import Switch, World


@pytest.fixture
def world(switch: Switch, tmp_path: Path) -> Iterator[World]:
    made = World(switch, tmp_path, {})
    yield made
    made.close()


ENDS: list[tuple[str, dict[str, Any]]] = [
    ("invalid_token", {}),
    ("throttle", {"retry_after": 3600}),
    ("site_maintenance", {}),
]


class TestEndedEarly:
    """Three calls of accounts, of which the second one fails."""

    @pytest.fixture
    def small(self, world: World) -> World:
        world.fault("drop_answer", path="core_user_create_users", times=1)
        world.apply(*[world.user(f"w{n}") for n in range(10)])  # calls are of five from now on
        world.no_faults()
        return world

    @pytest.mark.parametrize(("fault", "more"), ENDS)
    def test_what_was_done_stays_done_and_the_rest_is_unknown(
        self, small: World, fault: str, more: dict[str, Any]
    ) -> None:
        small.fault(fault, path="core_user_create_users", after=1, **more)
        outcomes = small.apply(*[small.user(f"u{n}") for n in range(16)])
        states = [each.status for each in outcomes]
        assert states == ["done"] * 5 + ["unknown"] * 11
        there = {str(each["id"]) for each in small.site.store.all("SELECT id FROM users")}
        assert {each.lms_id for each in outcomes[:5]} <= there
        assert len(small.state()["users"]) == 15

    @pytest.mark.parametrize(("fault", "more"), ENDS)
    def test_of_which_nothing_was_sent_ends_the_run(self, small: World, fault: str, more: dict[str, Any]) -> None:
        small.fault(fault, method="WRITE", **more)
        with pytest.raises(RollbookError):
            small.apply(*[small.user(f"u{n}") for n in range(16)])
        assert len(small.state()["users"]) == 10

    def test_after_a_refusal_and_a_half(self, world: World) -> None:
        """The first half went through, the second meets a token that has ended."""
        world.done(world.user("other"))
        world.fault("refuse_items", path="core_user_create_users", each=7, times=1, code="odd")
        world.fault("invalid_token", path="core_user_create_users", after=2)
        outcomes = world.apply(*[world.user(f"u{n}") for n in range(8)])
        states = [each.status for each in outcomes]
        assert states[0] == "done"
        assert states[-1] == "unknown"
        assert states.count("done") == len(world.state()["users"]) - 1

    def test_old_accounts_that_were_brought_up_to_date_before_new_ones(self, world: World) -> None:
        world.done(world.user("u1"))
        world.fresh_target()
        world.fault("invalid_token", path="core_user_create_users")
        outcomes = world.apply(world.user("u1"), world.user("u2"))
        assert [each.status for each in outcomes] == ["done", "unknown"]

    def test_a_role_that_was_given_and_whose_other_is_not_taken_away(self, world: World) -> None:
        place = world.done(world.building())[0]
        world.done(world.section("s1", place))
        world.done(world.user("u1"))
        world.done(world.enrollment("s1", "u1"))
        world.fault("invalid_token", path="core_role_unassign_roles")
        (outcome,) = world.apply(world.enrollment("s1", "u1", "update", admin=True, before={"admin": False}))
        assert outcome.status == "unknown"

    @pytest.mark.parametrize("function", ["core_cohort_create_cohorts", "core_cohort_add_cohort_members"])
    def test_accounts_whose_cohorts_are_not_written(self, switch: Switch, tmp_path: Path, function: str) -> None:
        world = World(switch, tmp_path, {}, cohorts=True)
        (north,) = world.done(world.building())
        world.fault("invalid_token", path=function)
        outcomes = world.apply(world.user("u1", more={"refs": {"building": north}}), world.user("u2"))
        assert [each.status for each in outcomes] == ["unknown", "done"]
        assert len(world.state()["users"]) == 2
        world.close()


class TestSections:
    @pytest.fixture
    def place(self, world: World) -> str:
        return world.done(world.building())[0]

    def test_few_are_made_in_one_call_and_all_are_looked_up(self, world: World) -> None:
        traits = world.target.traits
        assert traits.bulk["section"] == 20
        assert "section" not in traits.replay_safe
        assert world.fresh_target(batch_size=3).traits.bulk["section"] == 3

    @pytest.mark.parametrize("fault", ["cut", "drop_answer", "bad_gateway", "gateway_timeout"])
    def test_a_call_that_may_be_under_way_is_not_sent_again_in_this_run(
        self, world: World, place: str, fault: str
    ) -> None:
        changes = [world.section(f"s{n}", place) for n in range(3)]
        world.fault(fault, path="core_course_create_courses", times=1)
        assert {each.status for each in world.apply(*changes)} == {"unknown"}
        world.forget_calls()
        outcomes = world.apply(*changes)
        assert [each.status for each in outcomes] == ["unknown"] * 3
        assert "still be under way" in outcomes[0].message
        assert world.calls() == []
        world.fresh_target()  # the next run
        world.done(*changes)
        assert len({each["idnumber"] for each in world.state()["courses"]}) == 3
        assert len(world.state()["courses"]) == 3

    @pytest.mark.parametrize("fault", ["server_error", "not_json"])
    def test_a_call_that_has_ended_is_sent_again(self, world: World, place: str, fault: str) -> None:
        changes = [world.section(f"s{n}", place) for n in range(3)]
        world.fault(fault, path="core_course_create_courses", times=1)
        assert {each.status for each in world.apply(*changes)} == {"unknown"}
        world.done(*changes)
        assert len(world.state()["courses"]) == 3


def test_a_token_that_ends_before_anything_is_sent_is_told(world: World) -> None:
    world.fault("invalid_token")
    with pytest.raises(AuthFailed):
        world.apply(world.user("u1"))
