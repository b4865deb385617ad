"""How many form fields a Moodle site takes: found out with one harmless call, and only where it matters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.moodle_world import Switch, World

INFO, CREATE = "core_webservice_get_site_info", "core_user_create_users"
#: Above what any PHP takes: 120 accounts have 1320 fields.
MANY = 120


@pytest.fixture
def making(switch: Switch, tmp_path: Path) -> Iterator[Any]:
    worlds: list[World] = []

    def make(site: dict[str, Any], **options: Any) -> World:
        worlds.append(World(switch, tmp_path, site, **options))
        list(worlds[-1].target.read("user"))  # nobody is looked up
        worlds[-1].forget_calls()
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


def people(world: World, number: int, letter: str = "u") -> list[Any]:
    return [world.user(f"{letter}{n}") for n in range(number)]


def test_a_site_that_takes_them_gets_large_calls_after_one_question(making: Any) -> None:
    world = making({"max_input_vars": 5000}, batch_size=250)
    world.done(*people(world, MANY))
    world.done(*people(world, MANY, "v"))
    assert world.calls() == [INFO, CREATE, CREATE]


def test_a_site_that_does_not_gets_as_many_as_every_php_takes(making: Any) -> None:
    world = making({"max_input_vars": 1000}, batch_size=250)
    world.done(*people(world, MANY))
    assert world.calls() == ["unknown", CREATE, CREATE], "cut, the question has no function's name"
    assert len(world.state()["users"]) == MANY


def test_small_calls_need_no_question(making: Any) -> None:
    world = making({"max_input_vars": 1000}, batch_size=250)
    world.done(*people(world, 90))
    assert world.calls() == [CREATE]


def test_whoever_says_a_number_is_believed(making: Any) -> None:
    world = making({"max_input_vars": 5000}, batch_size=250, max_input_vars=5000)
    world.done(*people(world, MANY))
    assert world.calls() == [CREATE]
    assert world.target.traits.bulk["user"] == 250
    assert world.fresh_target(max_input_vars=1000).traits.bulk["user"] == 90


@pytest.mark.parametrize("fault", ["server_error", "throttle", "not_json", "html", "too_large", "cut", "no_access"])
def test_trouble_with_the_question_is_no_trouble_of_the_run(making: Any, fault: str) -> None:
    world = making({"max_input_vars": 5000}, batch_size=250)
    world.fault(fault, path=INFO, times=1)
    world.done(*people(world, MANY))
    world.done(*people(world, MANY, "v"))
    assert world.calls().count(INFO) <= 1
    assert world.calls().count(CREATE) == 4, "as small as everywhere, for the whole run"


def test_it_says_nothing_but_its_token(making: Any) -> None:
    world = making({"max_input_vars": 2760}, batch_size=250)
    assert world.target._client.takes(2760)
    assert not world.target._client.takes(2761)
    assert world.calls() == [INFO, "unknown"], "cut, it has no function's name, and fails as a whole"
