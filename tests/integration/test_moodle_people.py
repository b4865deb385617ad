"""What a Moodle site does not take of a person is refused by itself: nobody else waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.moodle_world import Switch, World, switched


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switched() as running:
        yield running


@pytest.fixture
def world(switch: Switch, tmp_path: Path) -> Iterator[World]:
    made = World(switch, tmp_path, {})
    yield made
    made.close()


ODD_NAMES = ["Ana <3", "<b>Ana</b>", "Ana<", "<>"]
ODD_ADDRESSES = [
    "ana@school", "ana@school..example", ".ana@school.example", "a.@school.example", "ana@-school.example",
    "ana@school.1example", "ana@sch_ool.example", "anä@school.example", f"{'a' * 65}@school.example",
    f"ana@{'s' * 64}.example", "a,na@school.example", "ana@school.example.", "two@at@school.example",
]  # fmt: skip
GOOD_ADDRESSES = [
    "o'neil+list@school.example", "a_b-c@xn--schl-5qa.example", "1@2.example", f"{'a' * 64}@school.example",
    "a{b}|c~d`e@s.example",
]  # fmt: skip


class TestWhatMoodleDoesNotTake:
    @pytest.mark.parametrize("field", ["first_name", "last_name", "middle_name", "preferred_first_name"])
    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_a_name_with_a_tag_is_refused_alone(self, world: World, field: str, name: str) -> None:
        (_, odd, _) = outcomes = world.apply(world.user("u1"), world.user("u2", **{field: name}), world.user("u3"))
        assert [each.status for each in outcomes] == ["done", "refused", "done"]
        assert "correct the name in the SIS" in odd.message
        assert name not in odd.message
        assert world.calls().count("core_user_create_users") == 1

    def test_less_than_is_a_name_where_a_space_follows(self, world: World) -> None:
        world.done(world.user("u1", first_name="Ana < Bob"))
        assert world.state()["users"][0]["firstname"] == "Ana < Bob"

    def test_a_new_name_with_a_tag_is_refused_alone(self, world: World) -> None:
        first, second = world.done(world.user("u1"), world.user("u2"))
        world.forget_calls()
        given = {"before": {"first_name": "Ana"}}
        outcomes = world.apply(
            world.user("u1", "update", {**given, "lms_id": first}, first_name="Ana<3"),
            world.user("u2", "update", {**given, "lms_id": second}, first_name="Eva"),
        )
        assert [each.status for each in outcomes] == ["refused", "done"]
        assert world.calls() == ["core_user_update_users"]

    @pytest.mark.parametrize("address", ODD_ADDRESSES)
    def test_an_odd_address_is_refused_alone(self, world: World, address: str) -> None:
        outcomes = world.apply(world.user("u1"), world.user("u2", email=address))
        assert [each.status for each in outcomes] == ["done", "refused"]
        assert "correct it in the SIS" in outcomes[1].message
        assert address not in outcomes[1].message
        assert world.calls().count("core_user_create_users") == 1

    @pytest.mark.parametrize("address", GOOD_ADDRESSES)
    def test_an_unusual_address_is_taken(self, world: World, address: str) -> None:
        world.done(world.user("u1", email=address))
        assert world.state()["users"][0]["email"] == address
