"""Schoology target, accounts: deactivated with all that belongs to them, revived with it, and nobody is ever mailed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest

from rollbook.connectors.base import Batch
from rollbook.errors import AuthFailed, BatchRefused, Bug
from rollbook.roster.changes import Change
from tests.districts import Organization, small
from tests.integration.schoology_world import World, practice

pytestmark = pytest.mark.rule(13)
KEY_OWNER = "practice-admin"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with practice(tmp_path) as made:
        yield made


@pytest.fixture
def people(world: World) -> dict[str, Change]:
    """Three members of a section, as the ledger knows them."""
    (place,), (period,) = world.done(world.building()), world.done(world.period())
    users = [world.user(key, place) for key in ("ana", "ben", "cleo")]
    ids = world.done(*users)
    course = world.course("ALG", place)
    world.done(course)
    world.done(world.section("alg-1", course, place, period))
    world.done(*(world.enrollment("alg-1", user.key) for user in users))
    return {user.key: msgspec.structs.replace(user, lms_id=own) for user, own in zip(users, ids, strict=True)}


def told(people: dict[str, Change], action: str, *keys: str) -> list[Change]:
    return [msgspec.structs.replace(people[key], action=action) for key in keys]


def active(world: World) -> set[str]:
    return {user["school_uid"] for user in world.state()["users"] if user["active"]} - {KEY_OWNER}


def statuses(world: World, *changes: Change) -> list[str]:
    return [outcome.status for outcome in world.apply(*changes)]


def test_nothing_is_lost_and_nobody_is_mailed(world: World, people: dict[str, Change]) -> None:
    before = world.state()
    world.done(*told(people, "deactivate", "ana", "ben"))
    during = world.state()
    assert active(world) == {"cleo"}
    assert not any(user["history_lost"] for user in during["users"])
    assert [row[1] for row in during["archived"]] == ["ana", "ben"]
    assert during["mails"] == {}
    world.done(*told(people, "revive", "ana", "ben"))
    assert world.state() == before


def test_a_call_holds_fifty_and_says_everything_that_matters(world: World, people: dict[str, Change]) -> None:
    world.reset_counters()
    world.done(*told(people, "deactivate", "ana", "ben", "cleo"))
    assert world.calls("DELETE", "users") == 1
    many = told(people, "deactivate", "ana") * 51
    with pytest.raises(Bug):
        world.target.apply(Batch(kind="user", action="deactivate", changes=many))


def test_twice_is_as_once(world: World, people: dict[str, Change]) -> None:
    for action in ("deactivate", "revive"):
        for _ in range(3):
            world.done(*told(people, action, "ana", "ben"))
    assert active(world) == {"ana", "ben", "cleo"}


def test_one_that_is_as_wanted_already_does_not_disturb_the_others(world: World, people: dict[str, Change]) -> None:
    world.done(*told(people, "deactivate", "ben"))
    world.done(*told(people, "deactivate", "ana", "ben", "cleo"))
    assert active(world) == set()
    world.done(*told(people, "revive", "ben"))
    world.done(*told(people, "revive", "cleo", "ben", "ana"))
    assert active(world) == {"ana", "ben", "cleo"}


def test_the_key_and_administrators_are_refused(world: World, people: dict[str, Change]) -> None:
    (place,) = world.done(world.building())
    admin = world.user("boss", place, role="System Admin")
    (own,) = world.done(admin)
    owner = next(record for record in world.target.read("user") if record.code == KEY_OWNER)
    protected = {
        "boss": msgspec.structs.replace(admin, lms_id=own),
        KEY_OWNER: msgspec.structs.replace(admin, key=KEY_OWNER, lms_id=owner.lms_id),
    }
    changes = [*told(protected, "deactivate", "boss", KEY_OWNER), *told(people, "deactivate", "ana")]
    assert statuses(world, *changes) == ["refused", "refused", "done"]
    assert all(user["active"] for user in world.state()["users"] if user["school_uid"] in protected)


def test_another_account_under_the_unique_id_is_left_alone(world: World, people: dict[str, Change]) -> None:
    wrong = msgspec.structs.replace(people["ana"], action="deactivate", lms_id="4999999")
    assert statuses(world, wrong) == ["refused"]
    nameless = msgspec.structs.replace(people["ana"], action="deactivate", lms_id=None)
    assert statuses(world, nameless) == ["refused"]
    assert active(world) == {"ana", "ben", "cleo"}


@pytest.mark.parametrize("action", ["deactivate", "revive"])
@pytest.mark.parametrize("fault", ["drop_answer", "truncate", "half_done", "short_answer"])
def test_a_lost_answer_is_unknown_and_asking_again_is_safe(
    world: World, people: dict[str, Change], action: str, fault: str
) -> None:
    before = world.state()
    if action == "revive":
        world.done(*told(people, "deactivate", "ana", "ben"))
    world.fault(fault, method={"deactivate": "DELETE", "revive": "PUT"}[action], times=1)
    assert "unknown" in statuses(world, *told(people, action, "ana", "ben"))
    world.done(*told(people, action, "ana", "ben"))
    assert active(world) == ({"cleo"} if action == "deactivate" else {"ana", "ben", "cleo"})
    if action == "revive":
        assert world.state() == before
    assert world.state()["mails"] == {}


def test_refusals_are_outcomes_and_a_refused_key_ends_it(world: World, people: dict[str, Change]) -> None:
    world.fault("refuse_items", method="DELETE", each=2, message="No.")
    assert statuses(world, *told(people, "deactivate", "ana", "ben", "cleo")) == ["done", "refused", "done"]
    world.no_faults()
    world.fault("not_found", method="PUT")
    with pytest.raises(BatchRefused):
        world.apply(*told(people, "revive", "ana"))
    world.no_faults()
    world.fault("unauthorized")
    with pytest.raises(AuthFailed):
        world.apply(*told(people, "deactivate", "ben"))


# --- the whole river, over HTTP ---------------------------------------------------------------------------------------


class Https(Organization):
    """An organization whose LMS is a practice LMS on real HTTP."""

    def __init__(self, folder: Path, world: World, **settings: Any) -> None:
        super().__init__(folder, small(), **settings)
        self.target._target = world.target


@pytest.fixture
def org(tmp_path: Path, world: World) -> Https:
    return Https(tmp_path / "org", world, users={"deactivate_after": 2})


def leave(org: Https) -> None:
    """Sam is not listed any more, and what is due is sent."""
    org.district.drop("users", "sam").drop("enrollments", "k1-sam-student")
    org.next_day().run()
    org.next_day(2).run()


def test_a_leaver_is_deactivated_and_revived_with_enrollments(org: Https, world: World) -> None:
    org.run()
    before, district = world.state(), org.district.copy()
    leave(org)
    assert org.sent == [("user", "deactivate", "sam")]
    assert active(world) == {"sue", "tina"}
    assert not org.next_day().run(compare_live=True).findings.get("ACCOUNT_INACTIVE")
    assert org.sent == []
    org.district = district
    org.next_day(30).run(compare_live=True)
    assert org.sent == [("user", "revive", "sam"), ("enrollment", "create", "k1|sam")]
    assert world.state() == before
    org.next_day().run(compare_live=True)
    assert org.sent == []


def test_what_people_do_by_hand_stays(org: Https, world: World) -> None:
    org.run()
    sam = next(record for record in world.target.read("user") if record.code == "sam")
    by_hand = [world.change("user", "deactivate", "sam", {}, lms_id=sam.lms_id)]
    world.done(*by_hand)
    district = org.district.copy()
    leave(org)
    assert org.sent == []
    org.district = district
    result = org.next_day().run(compare_live=True)
    assert org.found(result, "ACCOUNT_INACTIVE") == ["sam"]
    assert active(world) == {"sue", "tina"}


def test_a_person_reactivates_it_in_the_lms(org: Https, world: World) -> None:
    org.run()
    leave(org)
    ids = {row["key"]: row["lms_id"] for row in org.ledger("user")}
    world.done(world.change("user", "revive", "sam", {}, lms_id=ids["sam"]))
    for days in (1, 7, 30):
        result = org.next_day(days).run(compare_live=True)
        assert org.sent == []
        assert org.found(result, "ACCOUNT_REACTIVATED") == ["sam"]
    assert active(world) == {"sam", "sue", "tina"}


@pytest.mark.rule(28)
def test_undo_over_http(org: Https, world: World) -> None:
    org.run()
    leave(org)
    org.undo(org.plan)
    assert active(world) == {"sam", "sue", "tina"}
    org.next_day(5).run()
    assert active(world) == {"sam", "sue", "tina"}


def test_a_run_that_dies_after_sending_sends_again(org: Https, world: World) -> None:
    org.run()
    org.district.drop("users", "sam").drop("enrollments", "k1-sam-student")
    org.next_day().run()
    record = "rollbook.testing.world.MemoryJournal.record"
    org.next_day(2)
    with mock.patch(record, side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        org.run()
    assert active(world) == {"sue", "tina"}
    org.resume()
    assert [row["deactivated"] for row in org.ledger("user") if row["key"] == "sam"] == ["yes"]
    assert world.state()["mails"] == {}
