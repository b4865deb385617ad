"""Schoology target, writing: every kind and action, and twice the same batch leaves the same state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.connectors.base import Batch
from rollbook.errors import BatchRefused, Bug
from rollbook.roster.changes import Change
from tests.integration.schoology_world import PASSWORD, World, practice


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with practice(tmp_path) as made:
        yield made


@pytest.fixture
def place(world: World) -> str:
    (found,) = world.done(world.building())
    return found


@pytest.fixture
def period(world: World) -> str:
    (found,) = world.done(world.period())
    return found


def twice(world: World, *changes: Change, secrets: dict[str, str] | None = None) -> list[str]:
    """Apply a batch two times and see that the second time changes nothing."""
    first = world.done(*changes, secrets=secrets)
    before = world.state()
    again = world.done(*changes, secrets=secrets)
    assert world.state() == before
    assert again == first
    return first


class TestBuildings:
    def test_create_twice_makes_one(self, world: World) -> None:
        twice(world, world.building())
        assert world.state()["buildings"] == [{"building_code": "north", "title": "North"}]

    def test_update(self, world: World, place: str) -> None:
        assert twice(world, world.building(title="North High", action="update", lms_id=place)) == [place]
        assert world.state()["buildings"] == [{"building_code": "north", "title": "North High"}]

    def test_update_without_id_finds_the_code(self, world: World, place: str) -> None:
        assert world.done(world.building(title="North High", action="update")) == [place]

    def test_a_building_that_is_gone_is_refused(self, world: World) -> None:
        (outcome,) = world.apply(world.building(action="update", lms_id="424242"))
        assert (outcome.status, outcome.code) == ("refused", 404)

    def test_look_up_by_code(self, world: World, place: str) -> None:
        here, gone = world.target.look_up([world.building(), world.building("south")])
        assert here is not None
        assert (here.lms_id, gone) == (place, None)


class TestGradingPeriods:
    @pytest.mark.rule(18)
    def test_create_twice_makes_one_exactly_as_listed(self, world: World) -> None:
        twice(world, world.period())
        assert world.state()["grading_periods"] == [{"title": "2026-2027", "start": "2026-08-17", "end": "2099-06-30"}]

    def test_update(self, world: World, period: str) -> None:
        twice(world, world.period("2026/27", action="update", lms_id=period))
        assert [each["title"] for each in world.state()["grading_periods"]] == ["2026/27"]

    def test_same_title_with_other_dates_is_refused_in_the_words_of_the_lms(self, world: World, period: str) -> None:
        other = world.change(
            "grading_period",
            "create",
            "x",
            {"title": "2026-2027", "start": "2027-01-01", "end": "2027-02-01"},
        )
        (outcome,) = world.apply(other)
        assert (outcome.status, outcome.message) == (
            "refused",
            "A grading period with this title already exists",
        )

    def test_look_up_by_title_and_dates(self, world: World, period: str) -> None:
        other = world.change(
            "grading_period",
            "create",
            "x",
            {"title": "2026-2027", "start": "2027-01-01", "end": "2027-02-01"},
        )
        here, gone = world.target.look_up([world.period(), other])
        assert here is not None
        assert (here.lms_id, gone) == (period, None)


class TestUsers:
    def test_create_with_additional_building_and_password(self, world: World, place: str) -> None:
        (south,) = world.done(world.building("south"))
        refs = {"refs": {"building": place, "additional_buildings": [south]}}
        change = world.user(
            "u1",
            place,
            more=refs,
            additional_buildings=["org:south"],
            preferred_first_name="Anita",
            role="teacher",
        )
        twice(world, change, secrets={"u1": PASSWORD})
        (made,) = [each for each in world.state()["users"] if each["school_uid"] == "u1"]
        assert (made["building"], made["additional_buildings"], made["role"]) == (
            "north",
            ["south"],
            "Teacher",
        )
        assert (made["name_first_preferred"], made["synced"], made["has_password"]) == ("Anita", 1, True)
        assert world.password("u1", PASSWORD)["matches"]

    @pytest.mark.rule(14)
    def test_update_keeps_the_password_and_empties_what_was_taken_away(self, world: World, place: str) -> None:
        world.done(world.user("u1", place, middle_name="Maria"), secrets={"u1": PASSWORD})
        change = world.user(
            "u1",
            place,
            action="update",
            last_name="Ito",
            more={"before": {"last_name": "D", "middle_name": "M"}},
        )
        twice(world, change, secrets={"u1": "never to be sent"})
        (made,) = [each for each in world.state()["users"] if each["school_uid"] == "u1"]
        assert made["name_last"] == "Ito"
        assert "name_middle" not in made
        assert world.password("u1", PASSWORD) == {"matches": True, "times_set": 1}

    def test_rekey_moves_the_same_account(self, world: World, place: str) -> None:
        (own,) = world.done(world.user("u1", place))
        change = world.user("u1", place, action="rekey", more={"lms_id": own, "new_key": "n1"})
        assert twice(world, change) == [own]
        assert [each["school_uid"] for each in world.state()["users"]] == ["n1", "practice-admin"]

    @pytest.mark.rule(10)
    def test_no_mail_is_sent_and_no_account_merged(self, world: World, place: str) -> None:
        world.done(world.user("u1", place, email="shared@example.org"))
        (outcome,) = world.apply(world.user("u2", place, email="shared@example.org"))
        assert (outcome.status, outcome.message) == ("refused", "This e-mail address is already in use")
        assert world.state()["mails"] == {}

    def test_username_only_is_a_choice(self, tmp_path: Path) -> None:
        with practice(tmp_path, email_conflicts="username_only") as world:
            (place,) = world.done(world.building())
            world.done(world.user("u1", place, email="shared@example.org"))
            world.done(world.user("u2", place, email="shared@example.org"))
            addresses = {each["school_uid"]: each["primary_email"] for each in world.state()["users"]}
            assert (addresses["u1"], addresses["u2"]) == ("shared@example.org", "")

    def test_good_and_bad_rows_in_one_call(self, world: World, place: str) -> None:
        good = world.user("u1", place)
        spaced = world.user("u2", place, username="two words")
        roleless = world.user("u3", place, role="Janitor")
        outcomes = world.apply(good, spaced, roleless, world.user("u4", place))
        assert [each.status for each in outcomes] == ["done", "refused", "refused", "done"]
        assert outcomes[1].code == 400
        assert "role" in outcomes[2].message
        assert world.calls("POST", "users") == 1


class TestCoursesAndSections:
    def test_course_create_update_and_new_code(self, world: World, place: str) -> None:
        (own,) = twice(world, world.course("ART", place))
        changed = world.change(
            "course", "update", "ART|org:north", {"title": "Art", "code": "N-ART", "building": "org:north"},
            lms_id=own, before={"code": "ART", "title": "Course ART"}, refs={"building": place},
        )  # fmt: skip
        assert twice(world, changed) == [own]
        assert world.state()["courses"] == [{"course_code": "N-ART", "title": "Art", "building": "north", "synced": 1}]

    def test_section_create_update_rekey(self, world: World, place: str, period: str) -> None:
        course = world.course("ART", place)
        world.done(course)
        (own,) = twice(world, world.section("s1", course, place, period))
        (again,) = twice(world, world.section("s1", course, place, period, action="update"))
        moved = world.section("s1", course, place, period, action="rekey", lms_id=own, new_key="n1")
        assert twice(world, moved) == [own] == [again]
        (made,) = world.state()["sections"]
        assert (made["section_school_code"], made["course_code"], made["synced"]) == ("n1", "ART", 1)
        assert made["grading_periods"] == ["2026-2027"]

    def test_sections_of_many_courses_keep_their_order(self, world: World, place: str, period: str) -> None:
        courses = [world.course(f"C{n}", place) for n in range(7)]
        world.done(*courses)
        ids = world.done(*[world.section(f"s{n}", courses[n % 7], place, period) for n in range(50)])
        found = {each.code: each.lms_id for each in world.target.read("section")}
        assert [found[f"s{n}"] for n in range(50)] == ids

    def test_a_refused_section_does_not_stop_the_others(self, world: World, place: str, period: str) -> None:
        course = world.course("ART", place)
        world.done(course)
        good, bad = (world.section(key, course, place, period) for key in ("s1", "s2"))
        lost = world.section("s3", course, place, "424242")
        outcomes = world.apply(good, lost, bad)
        assert [each.status for each in outcomes] == ["done", "refused", "done"]


class TestEnrollmentsAndLinks:
    @pytest.fixture
    def roster(self, world: World, place: str, period: str) -> World:
        course = world.course("ART", place)
        world.done(course)
        world.done(world.section("s1", course, place, period))
        world.done(*[world.user(key, place) for key in ("u1", "u2")])
        world.done(world.user("p1", place, role="Parent"))
        return world

    @pytest.mark.rule(19)
    def test_enroll_promote_and_remove(self, roster: World) -> None:
        twice(roster, roster.enrollment("s1", "u1"), roster.enrollment("s1", "u2", admin=True))
        assert roster.state()["enrollments"] == [["s1", "u1", 0, 1], ["s1", "u2", 1, 1]]
        twice(roster, roster.enrollment("s1", "u1", action="update", admin=True))
        assert roster.state()["enrollments"][0] == ["s1", "u1", 1, 1]
        gone = roster.enrollment("s1", "u1", action="remove")
        (first,) = roster.apply(gone)
        (again,) = roster.apply(gone)
        assert (first.status, again.status) == ("done", "done")
        assert roster.state()["enrollments"] == [["s1", "u2", 1, 1]]

    def test_enrollments_get_their_ids(self, roster: World) -> None:
        (own,) = roster.done(roster.enrollment("s1", "u1"))
        (section,) = roster.target.read("section")
        (record,) = roster.target.read("enrollment", within=[section.lms_id])
        assert (record.lms_id, record.code) == (own, "s1|u1")

    def test_an_enrollment_of_nobody_is_refused(self, roster: World) -> None:
        outcomes = roster.apply(roster.enrollment("s1", "nobody"), roster.enrollment("s1", "u1"))
        assert [each.status for each in outcomes] == ["refused", "done"]

    @pytest.mark.rule(15)
    def test_guardian_links(self, roster: World) -> None:
        twice(roster, roster.link("u1", "p1"), roster.link("u2", "p1"))
        assert roster.state()["links"] == [["parent", "u1", "p1"], ["parent", "u2", "p1"]]
        assert sorted(each.code or "" for each in roster.target.read("guardian_link")) == ["u1|p1", "u2|p1"]
        twice(roster, roster.link("u1", "p1", action="remove"))
        assert roster.state()["links"] == [["parent", "u2", "p1"]]


class TestNeverDeleted:
    @pytest.mark.rule(20)
    @pytest.mark.parametrize("kind", ["building", "grading_period", "user", "course", "section"])
    def test_removals_of_lasting_kinds_are_a_bug_and_send_nothing(self, world: World, kind: str) -> None:
        change = world.change(kind, "remove", "x", {"title": "x"}, lms_id="1")
        with pytest.raises(Bug):
            world.apply(change)
        assert world.requests()["total"] == 0

    def test_no_run_through_all_actions_sends_a_delete(self, world: World, place: str, period: str) -> None:
        course = world.course("ART", place)
        world.done(course)
        world.done(world.section("s1", course, place, period))
        world.done(world.user("u1", place))
        world.done(world.user("p1", place, role="Parent"))
        world.done(world.enrollment("s1", "u1"))
        world.done(world.link("u1", "p1"))
        world.done(world.enrollment("s1", "u1", action="remove"))
        world.done(world.link("u1", "p1", action="remove"))
        world.done(world.building(title="North High", action="update", lms_id=place))
        for kind in sorted(world.target.traits.kinds):
            list(world.target.read(kind))
        assert {row[1] for row in world.requests()["log"]} == {"GET", "POST", "PUT"}

    def test_a_batch_that_is_too_large_is_never_sent(self, world: World, place: str) -> None:
        world.reset_counters()
        with pytest.raises(Bug):
            world.apply(*[world.user(f"u{n}", place) for n in range(51)])
        assert world.requests()["total"] == 0


def test_a_call_that_is_refused_whole_is_not_blamed_on_its_records(world: World, place: str) -> None:
    world.fault("not_found", method="POST", path="/v1/users")
    with pytest.raises(BatchRefused) as caught:
        world.apply(world.user("u1", place))
    assert caught.value.status == 404


def test_rekeys_of_kinds_whose_key_the_lms_does_not_know_need_no_call(world: World) -> None:
    world.reset_counters()
    for kind in ("building", "grading_period", "course", "enrollment", "guardian_link"):
        change = world.change(kind, "rekey", "a", {}, lms_id="7", new_key="b")
        (outcome,) = world.target.apply(Batch(kind=kind, action="rekey", changes=[change]))
        assert (outcome.status, outcome.lms_id) == ("done", "7")
    assert world.requests()["total"] == 0
