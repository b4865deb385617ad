"""Grade Settings, What moves, Field map."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.actions.runs import Wanted
from rollbook.actions.settings_edit import change_settings
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import FactRow, Organization
from rollbook.web.said import short_day
from tests.web.people import Person, words
from tests.web.world import run_now


def test_periods_are_read_again_and_told_apart(ann: Person, vic: Person, world: Space, pages: DataFolder) -> None:
    there = "/o/maple/grade-settings/"
    assert "They were not read yet" in words(ann.get(there))
    run_now(pages)
    made = world.all("grading_period")
    world.add("grading_period", "Summer camp", {"title": "Summer camp", "start": "2027-07-01", "end": "2027-07-31"})
    world.add("grading_period", "Old term", {"title": "Old term", "start": "2020-01-01", "end": "2020-06-30"})

    def map_one(document: dict[str, object]) -> None:
        document["terms"] = {"*": {"*": "create", "x": ["title:Old term"]}}

    change_settings(org="maple", by="test", what="terms", change=map_one)
    assert ann.post(f"{there}read/").status_code == 302
    page = words(vic.get(there))
    start, end = (short_day(made[0].fields[name]) for name in ("start", "end"))
    assert f"{made[0].fields['title']} {start} {end}" in page
    assert page.count("made by Rollbook") == len(made)
    assert page.index("Summer camp") < page.index("Old term"), "the newest first"
    assert "July 31, 2027" in page
    assert page.count("mapped to a term") == 1
    assert page.count("not used") == 1
    assert vic.post(f"{there}read/").status_code == 403
    assert "Read again" not in page


def test_trouble_while_reading_is_told(ann: Person, world: Space) -> None:
    world.key = "another"
    answer = ann.client.post("/o/maple/grade-settings/read/", follow=True)
    assert "The LMS could not be read" in words(answer)


def test_what_moves_and_what_is_done(vic: Person, pages: DataFolder, world: Space) -> None:
    page = words(vic.get("/o/maple/what-moves/"))
    assert "The SIS is the master" in page
    assert "The LMS is the master for grades" in page
    assert "Attendance" in page
    assert "traditional grades" in page
    assert "removed in both systems" in page
    assert "Done: Ask your SIS vendor" in page.replace("✓ ", "")
    assert "Data Prep counts them" in page
    assert "To do: Look at Data Prep" in page.replace("○ ", "")
    FactRow.objects.create(organization=Organization.objects.get(), name="data_prep", value="skipped")
    run_now(pages, wanted=Wanted(dry_run=True, compare_live=True))
    page = words(vic.get("/o/maple/what-moves/"))
    assert "Done: Look at Data Prep" in page.replace("✓ ", "")
    assert "Done: Check that no username" in page.replace("✓ ", "")


def test_spaces_in_usernames_are_still_to_do(vic: Person, pages: DataFolder, world: Space) -> None:
    world.rows["users"] = [{**world.rows["users"][0], "username": "with space"}, *world.rows["users"][1:]]
    run_now(pages, wanted=Wanted(dry_run=True, compare_live=True))
    page = words(vic.get("/o/maple/what-moves/"))
    assert "To do: Check that no username" in page.replace("○ ", "")
    assert "1 was found at the last look" in page


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"unique_id": "identifier"}, "Unique ID users.identifier"),
        ({"username": "email_local_part"}, "Username users.email, the part before @"),
        ({"email": "none"}, "E-mail not synced"),
        ({"passwords": "none"}, "single sign-on"),
        ({"graduation_year": "from_grade"}, "users.grades"),
        ({"preferred_name": "none"}, "Preferred first name not synced"),
    ],
)
def test_the_field_map_is_as_it_is_set(vic: Person, choice: dict[str, str], said: str) -> None:
    def put(document: dict[str, Any]) -> None:
        document["users"] |= choice

    change_settings(org="maple", by="test", what="field map", change=put)
    assert said in words(vic.get("/o/maple/field-map/"))


def test_the_field_map_names_every_field_of_the_lms(vic: Person) -> None:
    page = words(vic.get("/o/maple/field-map/"))
    for column in ("givenName", "familyName", "middleName", "preferredGivenName", "users.username", "users.email",
                   "courses.title", "classes.sourcedId", "classes.terms", "enrollments.role", "orgs.name",
                   "academicSessions.startDate", "classes.location", "users.agents"):  # fmt: skip
        assert column in page, column
    assert "sections.title" in page
    assert "/o/maple/configuration/" in vic.get("/o/maple/field-map/").content.decode()


def test_before_anything_is_set_up_there_is_no_map(pages: DataFolder) -> None:
    from tests.web.people import make_person

    Organization.objects.create(slug="fresh", name="Fresh", timezone="UTC")
    person = make_person("Fay Fresh", org="fresh")
    assert "Nothing is set up yet" in words(person.get("/o/fresh/field-map/"))
    for path in ("what-moves/", "grade-settings/", "data-prep/", "manage-users/"):
        assert person.get(f"/o/fresh/{path}").status_code == 200
