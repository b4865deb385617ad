"""People may change their own ID number in Moodle: nobody gets another's account, roles or grades that way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.registry import connector
from tests.integration.moodle_world import Switch, World


@pytest.fixture
def world(switch: Switch, tmp_path: Path) -> Iterator[World]:
    made = World(switch, tmp_path, {})
    yield made
    made.close()


@pytest.fixture
def course(world: World) -> World:
    place = world.done(world.building())[0]
    world.done(world.section("s1", place))
    world.done(*[world.user(f"u{n}") for n in range(3)])
    return world


def renumber(world: World, username: str, code: str) -> None:
    """Somebody gives an account another ID number, as people may do with their own."""
    world.site.store.run("UPDATE users SET idnumber = ? WHERE username = ?", code, username)


def members(world: World) -> set[tuple[str, int]]:
    """Usernames and whether they are suspended."""
    rows = world.site.store.all("SELECT u.username, e.status FROM enrolments e JOIN users u ON u.id = e.user")
    return {(row["username"], row["status"]) for row in rows}


class TestACreate:
    @pytest.mark.parametrize("read_before", [False, True])
    def test_of_a_number_that_somebody_else_has_takes_no_account_over(self, world: World, read_before: bool) -> None:
        world.done(world.user("student"))
        renumber(world, "student", "teacher-1")
        world.fresh_target()
        if read_before:
            list(world.target.read("user"))
        before = world.state()["users"]
        outcomes = world.apply(world.user("teacher-1", username="teacher"), world.user("u9"))
        assert [each.status for each in outcomes] == ["refused", "done"]
        assert "another username" in outcomes[0].message
        assert "student" not in outcomes[0].message
        assert world.state()["users"][: len(before)] == before

    def test_between_look_up_and_call_takes_none_over_either(self, world: World) -> None:
        """The number is taken after all accounts were read; the call is refused because the name is taken, too."""
        world.done(world.user("student"))
        world.fresh_target()
        list(world.target.read("user"))
        renumber(world, "student", "teacher-1")
        before = world.state()["users"]
        (outcome,) = world.apply(world.user("teacher-1", username="teacher", email="student@example.org"))
        assert outcome.status == "refused"
        assert world.state()["users"] == before

    @pytest.mark.parametrize("username", ["rollbook-service", "admin"])
    def test_of_a_protected_accounts_number_is_refused(self, world: World, username: str) -> None:
        renumber(world, username, "teacher-1")
        (outcome,) = world.apply(world.user("teacher-1", username=username))
        assert outcome.status == "refused"
        assert "protected" in outcome.message

    def test_of_a_number_that_two_have_is_refused(self, world: World) -> None:
        world.done(world.user("u1"), world.user("u2"))
        renumber(world, "u2", "u1")
        world.fresh_target()
        (outcome,) = world.apply(world.user("u1"))
        assert outcome.status == "refused"
        assert "several accounts" in outcome.message

    def test_again_after_a_lost_answer_brings_our_own_up_to_date(self, world: World) -> None:
        world.fault("drop_answer", path="core_user_create_users", times=1)
        assert world.apply(world.user("u1"))[0].status == "unknown"
        world.done(world.user("u1", first_name="Anna"))
        assert [each["firstname"] for each in world.state()["users"]] == ["Anna"]


class TestANumberOfTwo:
    def test_is_nobodys_when_the_lms_is_read(self, course: World) -> None:
        renumber(course, "u1", "u0")
        course.fresh_target()
        for within in ((), ("u0", "u2")):
            shown = {each.fields["username"]: each.code for each in course.target.read("user", within=within)}
            assert (shown["u0"], shown["u1"], shown["u2"]) == (None, None, "u2")

    @pytest.mark.parametrize("id_numbers", ["open", "locked"])
    @pytest.mark.parametrize("action", ["create", "update", "remove"])
    def test_moves_no_enrollment(self, course: World, action: str, id_numbers: str) -> None:
        course.done(course.enrollment("s1", "u0"))
        before = course.state()["enrolments"]
        renumber(course, "u2", "u1")
        course.fresh_target(id_numbers=id_numbers)
        more: dict[str, Any] = {"before": {"admin": True}} if action == "update" else {}
        (outcome,) = course.apply(course.enrollment("s1", "u1", action, known=False, **more))
        assert outcome.status == "refused"
        assert ("several accounts" if id_numbers == "locked" else "is not known which account") in outcome.message
        assert course.state()["enrolments"] == before

    def test_whose_account_the_ledger_has_is_enrolled_all_the_same(self, course: World) -> None:
        renumber(course, "u2", "u1")
        course.fresh_target()
        course.done(course.enrollment("s1", "u1"))
        assert members(course) == {("u1", 0)}

    def test_moves_no_account(self, course: World) -> None:
        renumber(course, "u2", "u1")
        course.fresh_target()
        (outcome,) = course.apply(course.user("u1", "update", {"before": {"first_name": "x"}}, first_name="New"))
        assert outcome.status == "refused"
        assert {each["firstname"] for each in course.state()["users"]} == {"Ana"}


class TestWhoChangesTheirNumber:
    def test_is_taken_out_by_the_id_that_was_enrolled(self, course: World) -> None:
        own = course.done(course.enrollment("s1", "u0"))[0]
        renumber(course, "u0", "elsewhere")
        renumber(course, "u1", "u0")
        course.fresh_target()
        course.done(course.enrollment("s1", "u0", "remove", lms_id=own))
        assert members(course) == {("u0", 1)}, "not the one who has the number now"

    def test_and_whose_id_nobody_knows_is_not_told_as_gone(self, course: World) -> None:
        course.done(course.enrollment("s1", "u0"))
        renumber(course, "u0", "elsewhere")
        course.fresh_target()
        (outcome,) = course.apply(course.enrollment("s1", "u0", "remove", known=False))
        assert outcome.status == "refused"
        assert members(course) == {("u0", 0)}

    def test_gets_the_other_role_by_the_id_that_was_enrolled(self, course: World) -> None:
        own = course.done(course.enrollment("s1", "u0"))[0]
        renumber(course, "u0", "elsewhere")
        renumber(course, "u1", "u0")
        course.fresh_target()
        course.done(course.enrollment("s1", "u0", "update", admin=True, before={"admin": False}, lms_id=own))
        assert course.state()["roles"] == [["s1", "elsewhere", 3]]

    def test_one_that_is_gone_is_in_no_section(self, course: World) -> None:
        owns = course.done(*[course.enrollment("s1", f"u{n}") for n in range(2)])
        course.site.store.run("UPDATE users SET deleted = 1 WHERE username = 'u1'")
        course.fresh_target()
        course.done(*[course.enrollment("s1", f"u{n}", "remove", lms_id=own) for n, own in enumerate(owns)])
        assert ("u0", 1) in members(course)
        nowhere = f"99999|{owns[0].split('|')[1]}"
        course.done(course.enrollment("gone", "u0", "remove", lms_id=nowhere))
        (outcome,) = course.apply(course.enrollment("s1", "u1", "update", before={"admin": True}, lms_id=owns[1]))
        assert outcome.status == "refused"


class TestANumberThatMoved:
    """The ledger knows the account of u0; another one has its ID number now."""

    @pytest.fixture
    def moved(self, course: World) -> World:
        renumber(course, "u0", "elsewhere")
        renumber(course, "u1", "u0")
        course.fresh_target()
        return course

    def test_puts_nobody_else_into_a_class(self, moved: World) -> None:
        moved.done(moved.enrollment("s1", "u0"))
        assert members(moved) == {("u0", 0)}, "whose account it is, whatever their number"

    def test_is_no_proof_where_the_ledger_knows_no_account(self, moved: World) -> None:
        (outcome,) = moved.apply(moved.enrollment("s1", "u0", known=False))
        assert outcome.status == "refused"
        assert "sync Users first" in outcome.message
        assert members(moved) == set()

    def test_is_one_where_numbers_are_locked(self, moved: World) -> None:
        """Then only administrators move numbers."""
        moved.fresh_target(id_numbers="locked")
        moved.done(moved.enrollment("s1", "u0", known=False))
        assert members(moved) == {("u1", 0)}

    def test_of_an_account_that_is_gone_puts_nobody_in(self, moved: World) -> None:
        moved.site.store.run("UPDATE users SET deleted = 1 WHERE username = 'u0'")
        (outcome,) = moved.apply(moved.enrollment("s1", "u0"))
        assert outcome.status == "refused"
        moved.done(moved.enrollment("s1", "u0", "remove"))
        assert members(moved) == set()

    def test_changes_no_account_of_which_only_the_number_is_known(self, moved: World) -> None:
        (outcome,) = moved.apply(moved.user("u0", "update", {"before": {"first_name": "x"}}, first_name="New"))
        assert outcome.status == "refused"
        assert {each["firstname"] for each in moved.state()["users"]} == {"Ana"}


def test_whom_this_run_has_made_needs_no_look_up(course: World) -> None:
    course.forget_calls()
    course.done(course.enrollment("s1", "u0"), course.enrollment("s1", "u1", known=False))
    assert course.calls() == ["enrol_manual_enrol_users"]


def test_the_registry_line_says_what_the_target_does(world: World) -> None:
    """Runs of grades have no target whose traits they could ask."""
    assert connector("moodle").users_by_id == world.target.traits.users_by_id
    assert [world.fresh_target(id_numbers=how).traits.codes_proven for how in ("open", "locked")] == [False, True]


def test_accounts_that_the_ledger_has_cost_one_call_a_batch(course: World) -> None:
    """None in the run that made them: neither courses nor people are asked for one by one."""
    people = [f"u{n}" for n in range(3)]
    for expected in ([], ["core_user_get_users_by_field"]):
        course.forget_calls()
        course.done(*[course.enrollment("s1", person) for person in people])
        assert [name for name in course.calls() if "user" in name and "get" in name] == expected
        course.fresh_target()


def test_a_leaver_is_told_by_number_or_username_and_else_stays_active(course: World) -> None:
    """It may be another person's account by now (docs/explain/limits.md)."""
    leaves = course.user("u1", "deactivate", more={"lms_id": course.accounts["u1"]})
    renumber(course, "u1", "u9")
    course.site.store.run("UPDATE users SET username = 'other' WHERE id = ?", course.accounts["u1"])
    (outcome,) = course.apply(leaves)
    assert outcome.message == "the account has another ID number and another username by now"
    assert not any(row["suspended"] for row in course.state()["users"])
    course.site.store.run("UPDATE users SET username = 'u1' WHERE id = ?", course.accounts["u1"])
    (outcome,) = course.apply(leaves)
    assert outcome.status == "done"
    assert [row["idnumber"] for row in course.state()["users"] if row["suspended"]] == ["u9"]
