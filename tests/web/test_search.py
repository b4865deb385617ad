"""Search: people and sections are found by what one knows of them, and shown to readers only."""

from __future__ import annotations

import logging
import re

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import Organization, Run
from tests.web.people import Person, make_person, words
from tests.web.search_case import Case, change, make_case
from tests.web.world import import_maple


@pytest.fixture
def case(world: Space, folder: DataFolder) -> Case:
    return make_case(world, folder)


def _search(person: Person, text: str) -> str:
    page = person.post("/o/maple/search/", text=text)
    assert page.status_code == 200
    return page.content.decode()


def test_before_the_first_run(case: Case, ann: Person) -> None:
    assert "Nobody and nothing was found." in _search(ann, case.student["familyName"])
    assert "No run that read the SIS is kept" in _search(ann, "x")
    assert ann.get(f"/o/maple/search/person/sis/{case.student['sourcedId']}/").status_code == 404


@pytest.mark.parametrize(
    "what",
    ["familyName", "givenName", "username", "email", "sourcedId", "both", "beginnings", "lms_id", "capitals"],
)
def test_people_are_found_by_what_one_knows(what: str, case: Case, ann: Person) -> None:
    case.sync()
    student = case.student
    text = {
        "both": f"{student['familyName']} {student['givenName']}",
        "beginnings": f"{student['givenName'][:3]} {student['familyName'][:3]}",
        "lms_id": case.lms_id,
        "capitals": student["username"].upper(),
    }.get(what) or student[what]
    assert f'href="/o/maple/search/person/lms/{case.lms_id}/?at=' in _search(ann, text)


def test_sections_are_found_by_title_and_code(case: Case, ann: Person) -> None:
    case.sync()
    link = f'href="/o/maple/search/section/{case.class_["sourcedId"]}/?at='
    assert link in _search(ann, case.class_["title"][2:].upper())
    assert link in _search(ann, case.class_["sourcedId"])


@pytest.mark.parametrize("text", ["", "   ", "%", "'; DROP TABLE x; --", "\x00", "_", "x" * 5000, "a b c d e f", "*"])
def test_odd_texts_find_nobody(text: str, case: Case, ann: Person) -> None:
    case.sync()
    assert "/search/person/" not in _search(ann, text)


def test_results_have_an_end(case: Case, ann: Person, world: Space) -> None:
    row = case.student
    world.rows["users"] = [
        *world.rows["users"],
        *(row | {"sourcedId": f"twin{n}", "username": f"twin{n}", "email": f"twin{n}@x.org", "familyName": "Twinny"}
          for n in range(60)),
    ]  # fmt: skip
    case.sync()
    page = _search(ann, "twinny")
    assert page.count('<th scope="row"><a') == 50
    assert "These are the first 50" in page


def test_a_person_with_everything(case: Case, ann: Person) -> None:
    run = case.sync()
    page = ann.get(f"/o/maple/search/person/lms/{case.lms_id}/")
    text = words(page)
    assert "In the LMS." in text
    for name in ("givenName", "familyName", "username", "email"):
        assert case.student[name] in text
    assert case.class_["title"] in text
    assert f"Run {run.pk}" in text
    assert "Make the account" in text
    assert "Enroll in a section" in text
    assert "What the SIS said is as of run" in text
    assert page.content.decode().count("<h1") == 1


def test_a_section_with_everything(case: Case, ann: Person) -> None:
    case.sync()
    page = ann.get(f"/o/maple/search/section/{case.class_['sourcedId']}/")
    text = words(page)
    assert case.class_["title"] in text
    assert f"{case.student['givenName']} {case.student['familyName']}" in text
    assert "course admin" in text
    assert "Make the section" in text
    assert re.search(r"Grading periods .+ \(\w+\.? \d+, 20\d\d – ", text)
    number = sum(
        row["classSourcedId"] == case.class_["sourcedId"] and row["role"] in ("student", "teacher")
        for row in case.world.rows["enrollments"]
    )
    assert f"People in it ({number})" in text


def test_members_come_in_pages(case: Case, ann: Person, world: Space) -> None:
    twins = [f"twin{n:02}" for n in range(70)]
    world.rows["users"] = [*world.rows["users"], *(
        case.student | {"sourcedId": name, "username": name, "email": f"{name}@x.org"} for name in twins)]  # fmt: skip
    world.rows["enrollments"] = [*world.rows["enrollments"], *(
        case.row | {"sourcedId": f"e-{name}", "userSourcedId": name} for name in twins)]  # fmt: skip
    case.sync()
    address = f"/o/maple/search/section/{case.class_['sourcedId']}/"
    first = ann.get(address).content.decode()
    assert first.count("Why is ") == 50
    assert "from=50" in first
    second = ann.get(address, **{"from": "50"}).content.decode()
    assert "from=0" in second
    assert 20 <= second.count("Why is ") < 50
    assert ann.get(address, **{"from": "x"}).status_code == 200


def test_another_section_is_found_to_ask_about(case: Case, ann: Person) -> None:
    case.sync()
    address = f"/o/maple/search/person/lms/{case.lms_id}/"
    page = ann.post(address, text=case.class_["title"]).content.decode()
    assert f'section={case.class_["sourcedId"]}"' in page
    assert "No section was found." in words(ann.post(address, text="no such thing"))


def test_who_may_look(case: Case, ann: Person, bob: Person, vic: Person, tea: Person) -> None:
    case.sync()
    address = f"/o/maple/search/person/lms/{case.lms_id}/"
    for person in (ann, bob, vic):
        assert person.get(address).status_code == 200
        assert person.get("/o/maple/search/").status_code == 200
    assert tea.get(address).status_code == 403
    assert tea.post("/o/maple/search/", text="a").status_code == 403


def test_unknown_ids_and_other_organizations(case: Case, ann: Person, world: Space, folder: DataFolder) -> None:
    case.sync()
    for address in (
        "person/lms/999999",
        "person/sis/nobody",
        "section/nothing",
        "person/sis/a/b/c",
        "person/sis/%00",
        "section/%00'",
    ):
        assert ann.get(f"/o/maple/search/{address}/").status_code == 404
    import_maple(world.name, slug="other")
    stranger = make_person("Stan", org="other", acting=True)
    for address in (f"person/lms/{case.lms_id}", f"person/sis/{case.student['sourcedId']}"):
        assert stranger.get(f"/o/other/search/{address}/").status_code == 404
        assert stranger.get(f"/o/maple/search/{address}/").status_code == 404
    page = stranger.post("/o/other/search/", text=case.student["familyName"]).content.decode()
    assert "/search/person/" not in page


def test_nothing_personal_in_addresses_titles_and_logs(
    case: Case, ann: Person, caplog: pytest.LogCaptureFixture
) -> None:
    case.sync()
    caplog.set_level(logging.INFO)
    pages = [_search(ann, case.student["familyName"])]
    pages += [ann.get(f"/o/maple/search/person/lms/{case.lms_id}/").content.decode()]
    secret = [case.student[name] for name in ("familyName", "username", "email")]
    for page in pages:
        places = re.findall(r'(?:href|action)="([^"]*)"', page) + re.findall(r"<title>(.*?)</title>", page)
        assert not [one for one in places for word in secret if word in one]
    assert not [word for word in secret if word in caplog.text]


def test_another_unique_id(world: Space, folder: DataFolder, ann: Person) -> None:
    """Whose unique id is the username has no username in an address: the SIS's id stands there."""
    change(users={"unique_id": "username"})
    case = make_case(world, folder)
    case.sync()
    by_sis = ann.get(f"/o/maple/search/person/sis/{case.student['sourcedId']}/")
    assert case.student["familyName"] in words(by_sis)
    found = world.find("user", case.student["username"])
    assert found is not None
    page = ann.get(f"/o/maple/search/person/lms/{found.lms_id}/", section=case.class_["sourcedId"])
    assert "Yes, enrolled." in words(page)
    assert case.student["sourcedId"] in words(page)


def test_what_was_left_out_is_kept_of_two_readings(case: Case) -> None:
    from rollbook.store.gc import collect

    case.student["username"] = "a b"
    runs = [case.sync().pk for _ in range(3)]
    collect(case.folder, days=90)
    kept = {run.pk: bool((run.result or {})["left_out"]) for run in Run.objects.all()}
    assert kept == {runs[0]: False, runs[1]: True, runs[2]: True}


def test_a_lost_file_is_told(case: Case, ann: Person) -> None:
    from rollbook.core.people_files import PEOPLE
    from rollbook.store.blobs import LocalBlobs
    from rollbook.store.ledger import current_version

    case.sync()
    key = current_version(Organization.objects.get().pk).files[PEOPLE]
    LocalBlobs(case.folder.blobs).delete(key)
    page = ann.post("/o/maple/search/", text="a")
    assert page.status_code == 503
    assert "restores a backup" in words(page)
