"""Grades for administrators: all sections, starting runs, teachers who need help, and the logs of these runs."""

from __future__ import annotations

import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollbook.actions.organizations import current_settings
from rollbook.connectors.memory.space import Space
from rollbook.engine.for_pages import prepare_lists
from rollbook.store.folder import DataFolder
from rollbook.store.models import FactRow, GradeSection, Organization, Run, SectionCount, SectionLine
from rollbook.store.section_lines import show_states
from tests.web.grades_case import HERE, Case, grades_case
from tests.web.people import Person, words


@pytest.fixture
def case(folder: DataFolder, world: Space) -> Case:
    return grades_case(folder, world)


def test_before_the_first_sync_it_says_what_to_do(world: Space, ann: Person) -> None:
    assert "gave no sections in the active year yet" in words(ann.get(f"{HERE}/"))


def test_what_needs_help_comes_first(case: Case, ann: Person) -> None:
    every = words(ann.get(f"{HERE}/"))
    assert "Needs help (0)" in every
    case.do("look")
    case.work()
    page = ann.get(f"{HERE}/")
    first = page.content.decode().split("<tbody>")[1].split("</tr>")[0]
    assert case.code in first
    assert "Map open" in first
    helped = words(ann.get(f"{HERE}/", state="help"))
    assert case.code in helped
    assert case.other not in helped
    assert case.other not in words(ann.get(f"{HERE}/", find=case.code))
    teachers = words(ann.get(f"{HERE}/teachers/"))
    person = next(row for row in case.world.rows["users"] if row["sourcedId"] == case.person)
    assert person["familyName"] in teachers
    assert "1 section asks for a person" in teachers


def test_an_address_that_asks_for_nonsense_shows_a_page(case: Case, ann: Person) -> None:
    for query in ({"page": "x"}, {"page": "99999"}, {"state": "nonsense"}, {"school": "nowhere"}, {"find": "\0"}):
        assert ann.get(f"{HERE}/", **query).status_code == 200


def test_chosen_sections_are_previewed_and_synced(case: Case, ann: Person) -> None:
    assert "Tick at least one section" in words(ann.post(f"{HERE}/send/", do="sync"))
    preview = ann.post(f"{HERE}/send/", do="preview", section=[case.code, case.other])
    run = case.work()
    assert preview["Location"] == f"/o/maple/logs/{run.pk}/"
    assert (run.dry_run, sorted(run.sections)) == (True, sorted([case.code, case.other]))
    case.save_map(_1="hw", _2="te")
    case.work()
    ann.post(f"{HERE}/send/", do="sync", every="1")
    run = case.work()
    assert (run.dry_run, run.sections) == (False, [])
    assert GradeSection.objects.get(code=case.code).status == "successful"
    assert {each["title"] for each in case.world.sis_book.records["line_item"].values()} == {"Essay", "Quiz"}
    assert "Successful (1)" in words(ann.get(f"{HERE}/"))


def test_a_section_that_was_not_given_is_refused(case: Case, ann: Person) -> None:
    runs = Run.objects.count()
    assert ann.post(f"{HERE}/send/", do="sync", section="nowhere").status_code == 400
    assert Run.objects.count() == runs


def test_a_run_of_grades_reads_well_in_the_logs(case: Case, ann: Person) -> None:
    case.mapped()
    case.do("changes")
    run = case.work()
    shown = words(ann.get(f"/o/maple/logs/{run.pk}/"))
    assert "Graded items" in shown
    assert "Read both gradebooks" in shown
    assert f"Sections {case.code}" in shown
    assert run.pk in words(ann.get("/o/maple/logs/", type="grades"))
    assert run.pk not in words(ann.get("/o/maple/logs/", type="users"))
    assert ann.get(f"/o/maple/plan/{run.pk}/").status_code == 200


def test_settings_of_grades_are_saved(case: Case, ann: Person) -> None:
    page = ann.get("/o/maple/configuration/more/")
    assert "Grades back" in words(page)
    fields = {
        "grades-grades-comments": "on",
        "grades-grades-limits-remove-percent": "25",
        "grades-grades-limits-remove-from": "50",
        "grades-grades-limits-create-percent": "50",
        "grades-grades-limits-create-from": "100",
    }
    saved = ann.post("/o/maple/configuration/more/", group="grades", seen="1", **fields)
    assert saved.status_code == 302
    assert current_settings(Organization.objects.get(slug="maple"))[1].grades.comments


def test_thousands_of_sections_are_listed_with_few_questions(case: Case, ann: Person) -> None:
    """What is asked of the database does not grow with the sections."""
    organization = Organization.objects.get(slug="maple")
    year = SectionLine.objects.filter(organization=organization).values_list("year", flat=True)[0]
    SectionLine.objects.filter(organization=organization).delete()
    counts = {"items": 60, "errors": 1, "updates": 2}
    states = itertools.cycle(("successful", "updates available", "error"))
    many = [(f"c{number:05}", f"Class {number % 300}", next(states)) for number in range(5000)]
    GradeSection.objects.bulk_create(
        GradeSection(organization=organization, code=code, status=status, counts=counts) for code, _, status in many
    )
    SectionLine.objects.bulk_create(
        SectionLine(
            organization=organization, year=year, code=code, title=title, words=f"{title.lower()}\n{code}", rank=4
        )
        for code, title, _ in many
    )
    show_states((organization.pk, code, status) for code, _, status in many)
    ann.get(f"{HERE}/")
    for query in ({}, {"page": "70"}, {"state": "help"}, {"find": "class 17"}):
        with CaptureQueriesContext(connection) as asked:
            page = ann.get(f"{HERE}/", **query)
        assert "Needs help (1,666)" in words(page)
        assert len(asked) <= 20, [one["sql"][:90] for one in asked.captured_queries]
    assert "1–50 of 1,666" in words(ann.get(f"{HERE}/", state="help"))
    found = words(ann.get(f"{HERE}/", find="CLASS 17", page="2"))
    assert "of 187" in found  # 17, 170 to 179: of 300 titles, each sixteen or seventeen times


def test_sections_under_way_are_told_apart(case: Case, ann: Person) -> None:
    """What is asked for counts as queued at once, and as that alone."""
    case.do("look")
    case.work()
    total = SectionLine.objects.count()
    assert "Needs help (1)" in words(ann.get(f"{HERE}/"))
    ann.post(f"{HERE}/send/", do="sync", section=[case.code])
    every = words(ann.get(f"{HERE}/"))
    assert "Needs help (0)" in every
    assert "Queued (1)" in every
    assert case.code in words(ann.get(f"{HERE}/", state="queued"))
    assert "No section fits" in words(ann.get(f"{HERE}/", state="help"))
    ann.post(f"{HERE}/send/", do="sync", every="1")
    assert f"Queued ({total})" in words(ann.get(f"{HERE}/"))
    assert "No section fits" in words(ann.get(f"{HERE}/", state="not yet synced"))


def test_a_list_that_is_not_in_step_says_so(case: Case, ann: Person) -> None:
    FactRow.objects.filter(name="section_lines").update(value="an older one")
    assert "this list follows within a minute" in words(ann.get(f"{HERE}/"))
    SectionLine.objects.all().delete()
    SectionCount.objects.all().delete()
    assert "The list of sections is being prepared" in words(ann.get(f"{HERE}/"))
    assert prepare_lists(case.folder) > 0
    page = words(ann.get(f"{HERE}/"))
    assert case.code in words(ann.get(f"{HERE}/", find=case.code))
    assert "being prepared" not in page
    assert "this list follows" not in page
