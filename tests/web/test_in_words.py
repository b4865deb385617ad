"""Pages say things in words, of the page's language: errors, stages, fields, years, who must act, one and several."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rollbook.web
from rollbook.actions.runs import Wanted
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import Organization, RunState
from tests.web.past import hold, past_run
from tests.web.people import Person, make_person, words
from tests.web.search_case import change, make_case
from tests.web.world import run_now

BROKE = "the connection to sis.example broke"


@pytest.fixture
def ana(ann: Person) -> Person:
    ann.post("/language/", language="es", next="/")
    return ann


def _failed() -> None:
    past_run("r1", state=RunState.FAILED, error=BROKE, error_name="Unavailable", error_who="the admin")


@pytest.mark.parametrize("path", ["", "logs/r1/", "plan/r1/"])
def test_what_went_wrong_is_told_in_spanish(ana: Person, world: Space, path: str) -> None:
    _failed()
    text = words(ana.get(f"/o/maple/{path}"))
    assert "sis.example" in text
    assert "connection to" not in text
    assert "el administrador" in text


def test_a_look_that_failed_is_told_as_a_sentence(ann: Person, ana: Person, world: Space) -> None:
    past_run("r1", state=RunState.FAILED, dry_run=True, compare_live=True, error=BROKE)
    assert "connection to" not in words(ana.get("/o/maple/data-prep/"))
    ann.post("/language/", language="en", next="/")
    assert "did not end well: The connection to sis.example broke." in words(ann.get("/o/maple/data-prep/"))


def test_a_look_that_somebody_cancelled_is_told_in_words(ann: Person, world: Space) -> None:
    past_run("r1", state=RunState.CANCELLED, dry_run=True, compare_live=True)
    text = words(ann.get("/o/maple/data-prep/"))
    assert "did not end well: Cancelled" in text


@pytest.mark.parametrize(("language", "said"), [("en", "Read the SIS"), ("es", "Leer el SIS")])
def test_a_run_under_way_says_its_stage_in_words(ann: Person, world: Space, language: str, said: str) -> None:
    ann.post("/language/", language=language, next="/")
    past_run("r1", state=RunState.RUNNING, dry_run=True, progress={"stage": "extract", "done": 5, "total": 9})
    text = words(ann.get("/o/maple/plan/working/"))
    assert f"– {said} 5 / 9" in text
    assert "extract" not in text


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("operator", "el operador"),
        ("schedule", "el horario"),
        ("Tina (from a course, account 7)", "Tina (desde un curso, cuenta 7)"),
        ("Bob (bob@example.org)", "Bob (bob@example.org)"),
    ],
)
def test_who_asked_is_told_in_spanish(ana: Person, world: Space, by: str, said: str) -> None:
    past_run("r1", requested_by=by)
    text = words(ana.get("/o/maple/"))
    assert said in text
    assert "course, account" not in text


def test_one_is_no_several(ann: Person, world: Space) -> None:
    run = past_run("r1", state=RunState.HELD)
    row = hold(run, reason="staff_role", count=1)
    for path in (f"plan/holds/{row.hold}/", "plan/holds/", "plan/", "logs/r1/"):
        text = words(ann.get(f"/o/maple/{path}"))
        assert "Update 1 user" in text, path
        assert "1 users" not in text, path
        assert "1 changes" not in text, path


def test_several_are_no_one(ann: Person, world: Space) -> None:
    run = past_run("r1", state=RunState.HELD)
    hold(run, reason="staff_role", count=2)
    hold(run, hold="h2", reason="staff_role", kind="section", count=3)
    text = words(ann.get("/o/maple/plan/"))
    assert "2 questions wait. 5 changes are held; everything else goes on." in text
    text = words(ann.get("/o/maple/plan/holds/"))
    assert "This decides about all 2 holds, on every page of this list. 5 changes are held." in text


def test_home_names_who_decides(ann: Person, vic: Person, world: Space) -> None:
    hold(past_run("r1", state=RunState.HELD))
    assert "1 hold waits for a decision of Ann Acting, the Acting User." in words(vic.get("/o/maple/"))
    Organization.objects.update(acting=None)
    text = words(vic.get("/o/maple/"))
    assert "1 hold waits for a decision, and nobody is the Acting User. The operator names one." in text


def test_a_person_is_shown_in_spanish(ana: Person, pages: DataFolder, world: Space) -> None:
    run_now(pages)
    case = make_case(world, pages)
    text = words(ana.get(f"/o/maple/search/person/lms/{case.lms_id}/"))
    for name in ("Nombre", "Apellido", "Nombre de usuario"):
        assert name in text
    for name in ("first name", "last name", "username", "graduation year"):
        assert name not in text
    assert "2026-2027" in text


def test_a_section_shows_its_days_and_year_as_everywhere(ann: Person, pages: DataFolder, world: Space) -> None:
    run_now(pages)
    case = make_case(world, pages)
    text = words(ann.get(f"/o/maple/search/section/{case.class_['sourcedId']}/"))
    assert "Year 2026-2027" in text
    assert "Aug. " in text
    assert "2026-08" not in text


@pytest.fixture
def moodle(world: Space) -> None:
    change(lms={"connector": "moodle", "options": {"base_url": "https://moodle.example", "time_zone": "UTC"}})


def test_pages_name_nothing_that_the_lms_lacks(vic: Person, moodle: None) -> None:
    text = words(vic.get("/o/maple/grade-settings/"))
    assert "Moodle has no grading periods, so there are none to look at here." in text
    assert "They were not read yet" not in text
    text = words(vic.get("/o/maple/what-moves/"))
    assert "School buildings, as you mapped them; of terms, the days on which sections start and end" in text
    assert "Users: names, username, e-mail, role and schools" in text
    text = words(vic.get("/o/maple/field-map/"))
    for lacking in ("Grading periods", "Parents", "academicSessions.startDate", "users.agents"):
        assert lacking not in text
    assert "First and last day classes.terms" in text


def test_the_app_center_is_offered_only_where_there_is_one(ann: Person, world: Space) -> None:
    assert "Schoology App Center (SAML)" in words(ann.get("/o/maple/platforms/"))
    change(lms={"connector": "moodle", "options": {"base_url": "https://moodle.example", "time_zone": "UTC"}})
    assert "App Center" not in words(ann.get("/o/maple/platforms/"))


def test_what_moves_tells_of_the_clock(vic: Person, world: Space) -> None:
    assert "it does not run by the clock" in words(vic.get("/o/maple/what-moves/"))
    change(grades={"schedule": {"mode": "scheduled", "every": "daily", "window": "02:00-04:00"}})
    text = words(vic.get("/o/maple/what-moves/"))
    assert "it does not run by the clock" not in text
    assert "the clock also starts it" in text


def test_before_the_set_up_nothing_is_said_of_single_sign_on(pages: DataFolder) -> None:
    Organization.objects.create(slug="fresh", name="Fresh", timezone="UTC")
    text = words(make_person("Fay Fresh", org="fresh").get("/o/fresh/manage-users/"))
    assert "Rollbook has made no accounts yet." in text
    assert "single sign-on" not in text


def test_the_menu_says_which_of_its_pages_this_is(ann: Person, world: Space) -> None:
    assert "More: Audit" in words(ann.get("/o/maple/audit/"))
    assert "More Search" in words(ann.get("/o/maple/plan/")), "none of them"


def test_links_to_steps_stand_close_to_their_commas(pages: DataFolder) -> None:
    Organization.objects.create(slug="fresh", name="Fresh", timezone="UTC")
    page = make_person("Fay Fresh", org="fresh", acting=True).get("/o/fresh/plan/").content.decode()
    assert "Select SIS</a>, <a" in page


def test_the_roles_that_most_schools_have_come_first(ann: Person, world: Space) -> None:
    from rollbook.actions.matching import SKIPPED, finish_data_prep

    finish_data_prep(org="maple", by="test", how=SKIPPED)
    page = ann.get("/o/maple/users/").content.decode()
    heads = re.findall(r'<th scope="col">(\w+)</th>', page)
    assert heads[:5] == ["student", "teacher", "guardian", "parent", "relative"]


def test_times_end_no_sentence_twice(ann: Person, world: Space) -> None:
    change(schedule={"mode": "scheduled", "every": "daily", "window": "00:00-03:00"})
    text = words(ann.get("/o/maple/configuration/"))
    assert "12:00 AM" in text
    assert ".." not in text.replace("...", "")


def test_why_somebody_is_missing_is_told_in_spanish(ana: Person, pages: DataFolder, world: Space) -> None:
    case = make_case(world, pages)
    case.student["username"] = "a b"
    run_now(pages)
    text = words(ana.get(f"/o/maple/search/person/sis/{case.student['sourcedId']}/"))
    assert "El registro de la persona en el SIS tiene un fallo que lo bloquea." in text
    assert "Corríjalo en el SIS; la próxima sincronización incluye a la persona." in text
    assert "The person" not in text
    case.student["username"] = "ab-and-no-space"
    run_now(pages)
    text = words(ana.get(f"/o/maple/search/person/sis/{case.student['sourcedId']}/"))
    assert "Crear la cuenta" in text
    assert "Inscribir en una sección" in text


def test_texts_are_marked_by_names_that_the_collector_knows() -> None:
    """What is marked by another name never reaches the translators, and nobody is told."""
    known = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "npgettext", "gettext_noop"}
    marks = re.compile(r"^from django\.utils\.translation import (.*gettext.*)$", re.MULTILINE)
    found = {
        one.rpartition(" as ")[2].strip()
        for path in (Path(rollbook.web.__file__).parent).rglob("*.py")
        for line in marks.findall(path.read_text("utf-8"))
        for one in line.split(",")
        if "gettext" in one
    }
    assert found - known == set()


def test_an_address_of_no_page_speaks_the_persons_language(ana: Person, world: Space) -> None:
    answer = ana.get("/o/maple/nowhere/at/all/")
    assert answer.status_code == 404
    assert "There is no such page" not in words(answer)
    assert 'lang="es"' in answer.content.decode()


def test_data_prep_names_schools_by_their_names(ann: Person, pages: DataFolder, world: Space) -> None:
    world.rows["users"][0]["username"] = "with space"
    run_now(pages)
    run_now(pages, wanted=Wanted(dry_run=True, compare_live=True))
    page = ann.get("/o/maple/data-prep/").content.decode()
    examples = re.findall(r'<ul class="rb-examples">(.*?)</ul>', page, re.DOTALL)
    assert any(", school " in one for one in examples)
    assert not any(
        f", school {row['sourcedId']}" in one
        for one in examples
        for row in world.rows["orgs"]
        if row["type"] == "school"
    )


def test_a_plan_names_buildings_by_their_schools(ann: Person, pages: DataFolder, world: Space) -> None:
    run = run_now(pages)
    name = next(row["name"] for row in world.rows["orgs"] if row["type"] == "school")
    page = ann.get(f"/o/maple/plan/{run.pk}/", kind="user").content.decode()
    assert f"<strong>{name}</strong>" in page
    assert "<strong>org:" not in page
