"""Titles of schools, courses and classes as Moodle takes them, and what else of places and cohorts it would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.connectors.kit import parse
from rollbook.connectors.moodle import MoodleOptions
from rollbook.errors import ConfigError
from tests.integration.moodle_world import TOKEN, Switch, World


@pytest.fixture
def world(switch: Switch, tmp_path: Path) -> Iterator[World]:
    made = World(switch, tmp_path, {}, cohorts=True)
    yield made
    made.close()


TITLES = {
    "C<3 and <b>bold</b>": "C< 3 and < b>bold< /b>",
    "a < b": "a < b",
    "<": "< ",
    "x" * 253 + "<y": "x" * 253,
    "Nul\0l": "Null",
}


@pytest.mark.parametrize("title", TITLES)
def test_no_title_fails_the_call_of_others(world: World, title: str) -> None:
    place, other = world.done(world.change("building", "org:n", {"title": title, "code": "n"}), world.building("south"))
    sections = [world.section("s1", other), world.section("s<2", place, title=title)]
    world.forget_calls()
    world.done(*sections)
    assert world.calls().count("core_course_create_courses") == 1
    assert [each["fullname"] for each in world.state()["courses"]][1] == TITLES[title]


def test_a_call_that_the_database_undid_is_sent_again_without_a_look(world: World) -> None:
    place = world.done(world.building())[0]
    world.fault("write_error", path="core_course_create_courses", times=1)
    world.forget_calls()
    sections = [world.section(f"s{n}", place) for n in range(5)]
    world.done(*sections)
    assert world.calls() == ["core_course_create_courses"] * 2


def test_whom_moodle_did_not_put_into_a_cohort_is_not_done(world: World) -> None:
    """It only warns of it, and says of whom in words alone."""
    north = world.done(world.building())[0]
    people = [world.user(f"u{n}", more={"refs": {"building": north}}) for n in range(6)]
    accounts = dict(zip((each.key for each in people), world.done(*people), strict=True))
    world.fresh_target()
    world.site.store.run("DELETE FROM cohort_members")
    world.site.store.run("UPDATE users SET deleted = 1 WHERE username = 'u3'")
    moved = {"before": {"building": "org:south"}, "refs": {"building": north}}
    outcomes = world.apply(*(world.user(key, "update", {**moved, "lms_id": own}) for key, own in accounts.items()))
    assert [each.status for each in outcomes] == ["done"] * 3 + ["refused"] + ["done"] * 2
    assert "not there any more" in outcomes[3].message
    (cohort,) = world.state()["cohorts"]
    assert cohort["members"] == ["u0", "u1", "u2", "u4", "u5"]


def test_a_cohort_that_somebody_deleted_is_made_again(world: World) -> None:
    north = world.done(world.building())[0]
    world.done(world.user("u1", more={"refs": {"building": north}}))
    world.site.store.run("DELETE FROM cohort_members")
    world.site.store.run("DELETE FROM cohorts")
    world.fresh_target()
    world.done(world.user("u2", more={"refs": {"building": north}}))
    assert [each["members"] for each in world.state()["cohorts"]] == [["u2"]]


def test_roles_without_a_name_are_none() -> None:
    given = {"base_url": "https://moodle.example.org", "token": TOKEN}
    for role in ("student_role", "teacher_role"):
        with pytest.raises(ConfigError, match=role):
            parse(MoodleOptions, {**given, role: ""})


def test_without_an_assistant_role_there_is_none_to_map_to(switch: Switch, tmp_path: Path) -> None:
    world = World(switch, tmp_path, {}, assistant_role="")
    try:
        assert list(world.target.roles()) == ["student", "editingteacher", "manager", "coursecreator", "user"]
    finally:
        world.close()
