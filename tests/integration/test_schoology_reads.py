"""Schoology target, reading: what is there, inactive accounts included; and how few calls all of it takes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.kit import OAuth1, Outgoing
from rollbook.roster.changes import Change
from tests.integration.schoology_world import World, practice
from tests.patience import within


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with practice(tmp_path, lms={"seed": "people-by-hand"}) as made:
        yield made


def by_hand(world: World, method: str, path: str, body: Any = None) -> None:
    """A call that a person's script makes beside Rollbook."""
    url = f"{world.url}/v1/{path}"
    headers = OAuth1("practice", "practice").authorize(Outgoing(method=method, url=url))
    httpx2.request(method, url, headers=headers, json=body).raise_for_status()


def slices(changes: Sequence[Change], size: int = 50) -> list[Sequence[Change]]:
    return [changes[start : start + size] for start in range(0, len(changes), size)]


class TestKinds:
    def test_buildings_periods_courses_and_sections(self, world: World) -> None:
        (building,) = world.target.read("building")
        assert (building.code, building.fields["title"]) == ("by-hand", "Hand-made School")
        (period,) = world.target.read("grading_period")
        assert (period.code, period.fields) == (
            "By hand", {"title": "By hand", "start": "2020-07-01", "end": "2099-06-30"}
        )  # fmt: skip
        (course,) = world.target.read("course")
        assert (course.code, course.fields["building"]) == ("by-hand-course", building.lms_id)
        (section,) = world.target.read("section")
        assert section.code == "by-hand-section"
        assert section.fields == {
            "title": "Tuesdays",
            "course": course.lms_id,
            "grading_periods": [period.lms_id],
            "location": None,
        }

    @pytest.mark.rule(11)
    def test_users_know_their_role_and_who_is_protected(self, world: World) -> None:
        users = {each.code: each for each in world.target.read("user")}
        assert len(users) == 5
        assert {code for code, each in users.items() if each.protected} == {"practice-admin"}
        assert users["by-hand-student-1"].fields["role"] == "Student"
        assert users["by-hand-student-1"].fields["email"] == "by-hand-student-1@practice.example"

    @pytest.mark.rule(13)
    def test_deactivated_accounts_are_read_as_such(self, world: World) -> None:
        (student,) = world.target.read("user", within=["by-hand-student-2"])
        by_hand(world, "DELETE", f"users/{student.lms_id}?option_keep_enrollments=1&email_notification=0")
        users = {each.code: each for each in world.target.read("user")}
        assert (users["by-hand-student-2"].active, users["by-hand-student-2"].lms_id) == (
            False,
            student.lms_id,
        )
        assert users["by-hand-student-1"].active

    @pytest.mark.rule(21)
    def test_enrollments_within_sections(self, world: World) -> None:
        (section,) = world.target.read("section")
        found = {each.code: each.fields["admin"] for each in world.target.read("enrollment", within=[section.lms_id])}
        assert found == {
            "by-hand-section|by-hand-teacher": True,
            "by-hand-section|by-hand-helper": True,
            "by-hand-section|by-hand-student-1": False,
            "by-hand-section|by-hand-student-2": False,
        }
        assert len(list(world.target.read("enrollment"))) == 4

    def test_a_section_that_is_gone_has_no_enrollments(self, world: World) -> None:
        assert list(world.target.read("enrollment", within=["424242"])) == []

    def test_concluded_sections_are_read_too(self, tmp_path: Path) -> None:
        with practice(tmp_path) as world:
            (place,) = world.done(world.building())
            after = {"title": "Long ago", "start": "2019-01-01", "end": "2019-06-30"}
            (period,) = world.done(world.change("grading_period", "create", "x", after))
            course = world.course("OLD", place)
            world.done(world.section("s1", course, place, period))
            assert [each.code for each in world.target.read("section")] == ["s1"]
            assert [each.code for each in world.target.read("section", within=["s1"])] == ["s1"]

    def test_look_up_of_users_and_sections(self, world: World) -> None:
        (place,) = world.done(world.building())
        here, gone = world.target.look_up(
            [world.user("by-hand-teacher", place, action="update"), world.user("nobody", place)]
        )
        assert here is not None
        assert (here.fields["first_name"], gone) == ("Hana", None)

    def test_a_code_with_a_comma_is_found(self, world: World) -> None:
        (place,) = world.done(world.building())
        world.done(world.user("a,b/c d", place, username="comma", email="comma@example.org"))
        (record,) = world.target.read("user", within=["a,b/c d", "a"])
        assert record.code == "a,b/c d"


class TestConnection:
    def test_report_and_roles(self, world: World) -> None:
        report = world.target.test()
        assert report.ok
        assert report.facts["school"] == "Practice School District"
        assert report.facts["buildings"] == "1"
        assert "Student" in report.facts["roles"]
        assert report.facts["clock skew"] in {f"{seconds} s" for seconds in range(-5, 6)}
        assert world.target.roles()["Teacher"] is True
        assert world.target.roles()["Student"] is False

    @pytest.mark.parametrize("last_next", ["omit", "null", "empty"])
    def test_pages_of_every_size_and_ending(self, tmp_path: Path, last_next: str) -> None:
        with practice(tmp_path, lms={"last_next": last_next, "max_limit": 7}) as world:
            (place,) = world.done(world.building())
            world.done(*[world.user(f"u{n}", place) for n in range(27)])
            assert len(list(world.target.read("user"))) == 28

    def test_attempts_are_counted(self, world: World) -> None:
        list(world.target.read("user"))
        assert world.attempts == world.requests()["total"]


class TestCallsAreFew:
    def test_a_thousand_users_are_twenty_calls(self, tmp_path: Path) -> None:
        with practice(tmp_path) as world:
            (place,) = world.done(world.building())
            for part in slices([world.user(f"u{n}", place) for n in range(1000)]):
                world.done(*part)
            assert world.calls("POST", "users") == 20
            assert world.calls("GET", "roles") == 1
            world.reset_counters()
            assert len(list(world.target.read("user"))) == 1001
            assert world.calls("GET", "users") == 6

    def test_five_hundred_sections_of_three_hundred_courses_are_ten_calls(self, tmp_path: Path) -> None:
        with practice(tmp_path) as world:
            (place,), (period,) = world.done(world.building()), world.done(world.period())
            courses = [world.course(f"C{n}", place) for n in range(300)]
            for part in slices(courses):
                world.done(*part)
            world.reset_counters()
            sections = [world.section(f"s{n}", courses[n * 3 // 5], place, period) for n in range(500)]
            for part in slices(sections):
                world.done(*part)
            assert world.requests()["attempts"] == {"POST courses": 10}
            assert len(world.state()["sections"]) == 500
            world.reset_counters()
            assert len(list(world.target.read("section", within=[each.key for each in sections]))) == 500
            assert world.requests()["attempts"] == {"GET sections": 10}


def test_sixty_writes_under_the_limiter_are_never_refused_and_waste_little(tmp_path: Path) -> None:
    """60 writes of 3 credits at 50 credits per 2 s: 16 a window, so no client can finish before 6 s."""
    places = itertools.count()

    def wasted() -> float:
        """The share of the credits that was not used, from the first to the last write."""
        folder = tmp_path / f"{next(places)}"
        with practice(folder, lms={"limiter": True, "limiter_seconds": 2.0}, credits=50, window=2.0) as world:
            (place,) = world.done(world.building())
            list(world.target.roles())
            changes = [world.user(f"u{n}", place) for n in range(60)]
            world.reset_counters()
            started = time.monotonic()
            with ThreadPoolExecutor(world.target.traits.parallel) as pool:
                outcomes = list(pool.map(lambda change: world.apply(change)[0].status, changes))
            assert time.monotonic() - started >= 6
            assert outcomes == ["done"] * 60
            requests = world.requests()
            assert requests["refused"] == 0
            assert requests["attempts"] == {"POST users": 60}
            return 1.0 - requests["write_span"]["share"]

    # Whole windows fit 48 of 50 credits; the span from first to last write flatters by up to one burst.
    within(0.1, wasted, tries=3)
