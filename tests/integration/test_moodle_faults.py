"""Moodle target in trouble: lost answers are unknown, one bad record spoils nothing else, nothing secret is shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.base import Batch, Context
from rollbook.connectors.kit import parse
from rollbook.connectors.moodle.new_users import SHARED
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.target import MoodleTarget
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RollbookError, Throttled, Unavailable
from tests.integration.moodle_world import PASSWORD, TOKEN, Going, Switch, World


@contextmanager
def a_world(switch: Switch, work: Path, site: dict[str, Any] | None = None, **options: Any) -> Iterator[World]:
    made = World(switch, work, site or {}, **options)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def world(switch: Switch, tmp_path: Path) -> Iterator[World]:
    with a_world(switch, tmp_path) as made:
        yield made


LOST = [
    "drop_answer",
    "cut",
    "server_error",
    "bad_gateway",
    "truncate",
    "gateway_timeout",
    "invalid_response",
]


class TestLostAnswers:
    @pytest.mark.parametrize("fault", [*LOST, "html", "not_json", "empty_body", "fatal"])
    def test_every_record_of_the_call_is_unknown_and_sent_again_they_land_once(self, world: World, fault: str) -> None:
        changes = [world.user("u1"), world.user("u2")]
        world.fault(fault, method="WRITE", times=1)
        outcomes = world.apply(*changes, secrets={"u1": PASSWORD, "u2": PASSWORD})
        assert [each.status for each in outcomes] == ["unknown", "unknown"]
        assert {each.lms_id for each in outcomes} == {None}
        assert world.calls().count("core_user_create_users") <= 1, "nothing is sent again by itself"
        world.done(*changes, secrets={"u1": PASSWORD, "u2": PASSWORD})
        assert [each["idnumber"] for each in world.state()["users"]] == ["u1", "u2"]
        assert world.state()["mails"] == {}

    @pytest.mark.parametrize("fault", ["notice", "byte_mark"])
    def test_what_php_writes_around_an_answer_loses_nothing(self, world: World, fault: str) -> None:
        place = world.done(world.building())[0]
        world.fault(fault)
        world.done(world.section("s1", place))
        world.done(world.user("u1"), world.user("u2"), secrets={"u1": PASSWORD, "u2": PASSWORD})
        world.done(world.enrollment("s1", "u1"))  # which is answered with null
        assert world.target.test().ok
        assert len(world.state()["users"]) == 2

    def test_calls_get_smaller_and_then_larger_again(self, world: World) -> None:
        changes = [world.user(f"u{n}") for n in range(40)]
        world.fault("drop_answer", method="WRITE", times=1)
        assert {each.status for each in world.apply(*changes)} == {"unknown"}
        world.forget_calls()
        world.done(*changes)
        assert len(world.state()["users"]) == 40
        assert world.calls().count("core_user_update_users") > 1

    def test_a_lost_create_of_a_building_is_found_again(self, world: World) -> None:
        change = world.change("building", "org:x", {"title": "No code"})
        world.fault("drop_answer", method="WRITE", times=1)
        (outcome,) = world.apply(change)
        assert outcome.status == "unknown"
        (record,) = world.target.look_up([change])
        assert record is not None
        assert world.done(change) == [record.lms_id]
        assert [each["name"] for each in world.state()["categories"]] == ["No code"]


class TestOneBadRecord:
    def test_one_that_the_database_does_not_take_is_refused_alone(self, world: World) -> None:
        world.fault("refuse_items", path="core_user_create_users", each=40, times=1)
        changes = [world.user(f"u{n}") for n in range(60)]
        world.done(*changes)  # a deadlock, say: the halves go through

    def test_a_username_that_another_account_has(self, world: World) -> None:
        world.done(world.user("other"))
        changes = [world.user(f"u{n}") for n in range(30)]
        changes[7] = world.user("u7", username="OTHER")
        changes[9] = world.user("u9", email="Other@example.org")
        world.forget_calls()
        outcomes = world.apply(*changes)
        refused = {at: each.message for at, each in enumerate(outcomes) if each.status != "done"}
        assert refused == {7: "another account of the LMS has this username", 9: SHARED}
        assert len(world.calls()) <= 7, "told apart by looking them up, not by halves"
        assert len(world.state()["users"]) == 29

    @pytest.mark.parametrize(
        ("after", "words"),
        [
            ({"username": "Zoë"}, "letters that Moodle does not take"),
            ({"username": "a b"}, "space"),
            ({"username": None}, "no username"),
            ({"first_name": ""}, "first name"),
            ({"last_name": "x" * 101}, "longer"),
            ({"email": "nobody"}, "e-mail"),
        ],
    )
    def test_what_moodle_would_not_take_is_not_sent(self, world: World, after: dict[str, Any], words: str) -> None:
        outcomes = world.apply(world.user("u1"), world.user("u2", **after), world.user("u3"))
        assert [each.status for each in outcomes] == ["done", "refused", "done"]
        assert words in outcomes[1].message
        assert world.calls() == ["core_user_get_users_by_field", "core_user_create_users"]

    def test_a_course_whose_category_is_gone(self, world: World) -> None:
        place = world.done(world.building())[0]
        outcomes = world.apply(world.section("s1", place), world.section("s2", "999"), world.section("s3", place))
        assert [each.status for each in outcomes] == ["done", "refused", "done"]
        assert "category" in outcomes[1].message
        assert [each["idnumber"] for each in world.state()["courses"]] == ["s1", "s3"]

    def test_an_update_that_fails_is_a_warning(self, world: World) -> None:
        first, second = world.done(world.user("u1"), world.user("u2"))
        change = {"before": {"email": "old"}}
        outcomes = world.apply(
            world.user("u1", "update", {**change, "lms_id": first}, email="u2@example.org"),
            world.user("u2", "update", {**change, "lms_id": second}, email="new@example.org"),
            world.user("u3", "update", {**change, "lms_id": "987654"}),
        )
        assert [each.status for each in outcomes] == ["refused", "done", "refused"]
        assert [each["email"] for each in world.state()["users"]] == ["u1@example.org", "new@example.org"]

    def test_an_account_that_has_the_unique_id_already_gets_no_twin(self, world: World) -> None:
        (own,) = world.done(world.user("u1"))
        world.fresh_target()
        assert world.done(world.user("u1", email="another@example.org")) == [own]
        assert [each["email"] for each in world.state()["users"]] == ["another@example.org"]

    def test_once_all_accounts_were_read_nobody_is_looked_up(self, world: World) -> None:
        list(world.target.read("user"))
        world.forget_calls()
        world.done(world.user("u1"), world.user("u2"))
        assert world.calls() == ["core_user_create_users"]


class TestEnrollments:
    @pytest.fixture
    def course(self, world: World) -> World:
        place = world.done(world.building())[0]
        world.done(world.section("s1", place))
        world.done(*[world.user(f"u{n}") for n in range(4)])
        return world

    def test_without_anything_known_it_asks_once_for_many(self, course: World) -> None:
        course.fresh_target()
        course.forget_calls()
        course.done(*[course.enrollment("s1", f"u{n}", admin=n == 0) for n in range(4)])
        assert sorted(course.calls()) == [
            "core_course_get_courses_by_field",
            "core_user_get_users_by_field",
            "enrol_manual_enrol_users",
        ]
        assert [row[2] for row in course.state()["roles"]] == [3, 5, 5, 5]

    def test_who_leaves_is_suspended_and_comes_back(self, course: World) -> None:
        changes = [course.enrollment("s1", f"u{n}") for n in range(3)]
        course.done(*changes)
        course.done(course.enrollment("s1", "u1", "remove"))
        assert [(row[1], row[3]) for row in course.state()["enrolments"]] == [("u0", 0), ("u1", 1), ("u2", 0)]
        section = next(iter(course.target.read("section"))).lms_id
        shown = [each.code for each in course.target.read("enrollment", within=[section])]
        assert shown == ["s1|u0", "s1|u2"]
        course.done(course.enrollment("s1", "u1"))
        assert {row[3] for row in course.state()["enrolments"]} == {0}

    def test_another_role_replaces_the_first(self, course: World) -> None:
        course.done(course.enrollment("s1", "u1"))
        course.done(course.enrollment("s1", "u1", "update", admin=True, before={"admin": False}))
        assert course.state()["roles"] == [["s1", "u1", 3]]

    def test_somebody_who_is_not_there_spoils_nothing(self, course: World) -> None:
        outcomes = course.apply(
            course.enrollment("s1", "u1"), course.enrollment("s1", "nobody"), course.enrollment("nowhere", "u2")
        )
        assert [each.status for each in outcomes] == ["done", "refused", "refused"]
        gone = course.apply(course.enrollment("s1", "nobody", "remove"), course.enrollment("nowhere", "u2", "remove"))
        assert [each.status for each in gone] == ["refused", "done"]

    def test_a_cut_of_php_is_no_half_enrolment(self, switch: Switch, tmp_path: Path) -> None:
        """A call that brings more fields than PHP takes is refused whole, and its halves go through."""
        with a_world(switch, tmp_path, {"max_input_vars": 100}, max_input_vars=1000) as world:
            place = world.done(world.building())[0]
            world.done(world.section("s1", place))
            world.done(*[world.user(f"u{n}") for n in range(60)])
            world.done(*[world.enrollment("s1", f"u{n}") for n in range(60)])
            assert len(world.state()["enrolments"]) == 60


class TestTheConnection:
    def test_missing_functions_are_named(self, switch: Switch, tmp_path: Path) -> None:
        functions = frozenset({"core_webservice_get_site_info", "core_user_get_users"})
        with a_world(switch, tmp_path, {"functions": functions}) as world, pytest.raises(AuthFailed) as caught:
            world.target.test()
        assert "core_user_create_users" in str(caught.value)
        assert "core_user_get_users," not in str(caught.value)

    @pytest.mark.parametrize(("release", "named"), [("4.1", False), ("4.4", True), ("5.1", True)])
    def test_welcome_messages_are_named_where_moodle_has_them(
        self, switch: Switch, tmp_path: Path, release: str, *, named: bool
    ) -> None:
        with a_world(switch, tmp_path, {"moodle": release}) as world:
            assert ("welcome messages" in world.target.test().facts) is named

    @pytest.mark.parametrize("fault", ["invalid_token", "expire_token", "no_access", "forbidden"])
    def test_a_bad_token_is_auth_failed(self, world: World, fault: str) -> None:
        world.fault(fault)
        for ask in (world.target.test, lambda: world.apply(world.user("u1"))):
            with pytest.raises(AuthFailed):
                ask()

    @pytest.mark.parametrize("fault", ["site_maintenance", "upgrading", "unavailable"])
    def test_maintenance_is_unavailable(self, world: World, fault: str) -> None:
        world.fault(fault)
        with pytest.raises(Unavailable):
            world.target.test()

    def test_too_large_a_call_is_split(self, world: World) -> None:
        world.fault("too_large", method="WRITE", times=1)
        world.done(world.user("u1"), world.user("u2"))

    def test_being_throttled_surfaces(self, world: World) -> None:
        world.fault("throttle", retry_after=3600, method="WRITE")
        with pytest.raises(Throttled):
            world.apply(world.user("u1"))

    @pytest.mark.parametrize("fault", ["missing_key", "html", "truncate", "read_error"])
    def test_a_part_is_not_the_whole(self, world: World, fault: str) -> None:
        world.done(world.user("u1"))
        world.fault(fault, method="READ")
        for kind in ("user", "section", "building"):
            with pytest.raises(RollbookError):
                list(world.target.read(kind))

    def test_accounts_without_their_ids_are_an_error(self, switch: Switch, tmp_path: Path) -> None:
        denied = {"denied": frozenset({"moodle/user:viewalldetails"})}
        with a_world(switch, tmp_path, denied) as world, pytest.raises(BadResponse):
            list(world.target.read("user"))

    def test_an_unknown_time_zone_is_said_at_once(self, world: World) -> None:
        with pytest.raises(ConfigError):
            world.fresh_target(time_zone="Mars/Olympus")


class TestAccounts:
    def test_protected_ones_are_never_deactivated(self, world: World) -> None:
        own = world.target._reader.own_id()
        world.done(world.user("u1"))
        (outcome,) = world.apply(world.user("me", "deactivate", {"lms_id": own}))
        assert outcome.status == "refused"
        records = {each.fields["username"]: each for each in world.target.read("user")}
        assert {name for name, each in records.items() if each.protected} == {"admin", "guest", "rollbook-service"}

    def test_without_an_address_moodle_gets_one_that_is_never_mailed(self, world: World) -> None:
        world.done(world.user("u1", email=None), world.user("u2", email=None))
        assert all(each["email"].endswith("@no-email.invalid") for each in world.state()["users"])
        assert [each.fields["email"] for each in world.target.read("user", within=["u1", "u2"])] == [None, None]

    def test_another_password_changes_nothing_else(self, world: World) -> None:
        (own,) = world.done(world.user("u1"), secrets={"u1": PASSWORD})
        before = world.state()["users"]
        world.done(world.user("u1", "set_password", {"lms_id": own}), secrets={"u1": "Correct-Horse-2"})
        assert world.state()["users"] == before
        assert world.apply(world.user("u1", "set_password", {"lms_id": own}))[0].status == "refused"

    def test_nothing_personal_in_errors_logs_or_reprs(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        world.done(world.user("taken", email="u1@example.org"))
        change = world.user("u1", first_name="Xanthippe")
        batch = Batch(kind="user", action="create", changes=[change], secrets={"u1": PASSWORD})
        shown = [repr(world.target), repr(world.options), repr(world.target.test()), repr(batch)]
        for fault in ("", "server_error", "no_permission", "write_error"):
            if fault:
                world.fault(fault, method="WRITE", times=1)
            try:
                shown += [f"{each!r} {each.message}" for each in world.target.apply(batch)]
            except AuthFailed as error:
                shown.append(f"{error!r} {error}")
        text = "\n".join([*shown, caplog.text])
        for secret in (TOKEN, PASSWORD, "Xanthippe", "u1@example.org"):
            assert secret not in text


def test_options_are_checked() -> None:
    for wrong in ({"batch_size": 0}, {"leavers": "delete"}, {"parallel": 100}, {"colour": "red"}):
        with pytest.raises(ConfigError):
            parse(MoodleOptions, {"base_url": "https://moodle.example.org", "token": "t", **wrong})
    with pytest.raises(ConfigError):
        MoodleTarget(parse(MoodleOptions, {"base_url": "http://moodle.example.org", "token": "t"}), _strict())


def _strict() -> Context:
    return Context(work=Path(), cancel=Going(), count=lambda attempts=1, /: None)
