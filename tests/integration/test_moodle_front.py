"""What stands in front of a Moodle: redirects, firewalls, and web servers that take no large calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollbook.errors import AuthFailed, ConfigError, Unavailable
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN
from rollbook.roster.reasons import recognized
from rollbook.roster.words import Words
from tests.integration.moodle_world import PASSWORD, Switch, World

SERVER = "webservice/rest/server.php"
BAD = "1 UNION SELECT"


@pytest.fixture
def making(switch: Switch, tmp_path: Path) -> Iterator[Any]:
    made: list[World] = []

    def make(site: dict[str, Any] | None = None, **options: Any) -> World:
        made.append(World(switch, tmp_path, site or {}, **options))
        return made[-1]

    yield make
    for world in made:
        world.close()


def _asks(world: World) -> list[Any]:
    return [world.target.test, lambda: world.apply(world.user("u1"))]


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303])
    def test_to_another_site_name_its_address(self, making: Any, status: int) -> None:
        world = making()
        world.fault("redirect", status=status, to=f"https://www.m.example.org/learn/{SERVER}?x=secret")
        for ask in _asks(world):
            with pytest.raises(ConfigError, match=r"is at https://www\.m\.example\.org/learn; enter that") as caught:
                ask()
            assert isinstance(recognized(str(caught.value)), Words)
        assert world.state()["users"] == []

    @pytest.mark.parametrize("to", ["login/index.php", "admin/index.php", "https://sso.example.org/?next=x", SERVER])
    def test_to_pages_mean_that_nothing_was_done(self, making: Any, to: str) -> None:
        world = making()
        world.fault("redirect", to=to)
        for ask in _asks(world):
            with pytest.raises(Unavailable, match="another page") as caught:
                ask()
            assert isinstance(recognized(str(caught.value)), Words)
            assert "example.org" not in str(caught.value)

    def test_of_writes_end_the_run_instead_of_leaving_it_in_doubt(self, making: Any) -> None:
        world = making()
        world.fault("redirect", method="WRITE")
        with pytest.raises(Unavailable, match="another page"):
            world.apply(*[world.user(f"u{n}") for n in range(20)])
        assert world.calls().count("core_user_create_users") == 1

    def test_that_keep_the_call_are_followed(self, making: Any) -> None:
        world = making()
        world.fault("redirect", status=308, to=SERVER, times=1)
        world.done(world.user("u1"))


class TestMaintenance:
    def test_that_begins_between_two_batches_ends_the_run(self, making: Any) -> None:
        world = making()
        world.done(world.user("u0"))
        world.fault("maintenance", method="WRITE")
        with pytest.raises(Unavailable, match="in maintenance"):
            world.apply(*[world.user(f"u{n}") for n in range(1, 20)])
        assert world.notes().count("503") == 1

    @pytest.mark.parametrize("fault", ["unavailable", "gave_up"])
    def test_a_cache_that_gave_up_leaves_a_doubt(self, making: Any, fault: str) -> None:
        world = making()
        world.fault(fault, method="WRITE", times=1)
        (lost,) = world.apply(world.user("u1"), secrets={"u1": PASSWORD})
        assert (lost.status, lost.code) == (UNKNOWN, 503)
        world.done(world.user("u1"), secrets={"u1": PASSWORD})
        assert len(world.state()["users"]) == 1


class TestFirewalls:
    def test_one_record_that_is_not_let_through_is_refused_alone(self, making: Any) -> None:
        world = making({"firewall": BAD})
        users = [world.user(f"u{n}") for n in range(30)]
        users[7] = world.user("u7", last_name=f"O{BAD}")
        outcomes = world.apply(*users, secrets={f"u{n}": PASSWORD for n in range(30)})
        assert [n for n, each in enumerate(outcomes) if each.status == REFUSED] == [7]
        assert "a firewall in front of Moodle" in outcomes[7].message
        assert BAD not in outcomes[7].message
        assert isinstance(recognized(outcomes[7].message), Words)
        assert [each.status for n, each in enumerate(outcomes) if n != 7] == [DONE] * 29

    def test_one_that_lets_no_write_through_ends_the_run(self, making: Any) -> None:
        world = making({"firewall": "core_user_create_users"})
        with pytest.raises(AuthFailed, match="a firewall in front of it") as caught:
            world.apply(*[world.user(f"u{n}") for n in range(60)])
        assert isinstance(recognized(str(caught.value)), Words)

    def test_one_that_lets_nothing_through_is_named(self, making: Any) -> None:
        world = making({"firewall": "wstoken"})
        for ask in _asks(world):
            with pytest.raises(AuthFailed, match="a firewall in front of it"):
                ask()

    def test_web_services_that_are_off_are_named(self, making: Any) -> None:
        world = making({"enabled": False})
        for ask in _asks(world):
            with pytest.raises(AuthFailed, match="switched off; enable both") as caught:
                ask()
            assert isinstance(recognized(str(caught.value)), Words)


def test_calls_stay_smaller_than_what_was_too_large(making: Any) -> None:
    world = making({"body_limit": 9000}, batch_size=80)
    for start in range(0, 320, 80):
        numbers = range(start, start + 80)
        world.done(*[world.user(f"u{n}") for n in numbers], secrets={f"u{n}": PASSWORD for n in numbers})
    assert len(world.state()["users"]) == 320
    assert world.notes().count("413") < 8


def test_one_record_that_is_too_large_is_refused_in_words(making: Any) -> None:
    world = making({"body_limit": 300})
    (refused,) = world.apply(world.user("u1"), secrets={"u1": PASSWORD})
    assert refused.status == REFUSED
    assert isinstance(recognized(refused.message), Words)
