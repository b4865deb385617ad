"""Select SIS: a list to choose from, a page that asks, and then it is fixed."""

from __future__ import annotations

import pytest

from rollbook.actions.organizations import latest_version
from rollbook.connectors.oneroster_rest.partners import PARTNERS
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow
from rollbook.web.steps import steps
from tests.web.elm import AT, elm, html, number, select, settings
from tests.web.people import Person, make_person, words


@pytest.fixture
def eve(pages: DataFolder) -> Person:
    from tests.web.elm import make_elm

    return make_elm()


def test_the_list_has_every_partner_and_files(eve: Person) -> None:
    text = words(eve.get(f"{AT}select-sis/"))
    assert all(one.title in text for one in PARTNERS.values())
    assert "OneRoster CSV files" in text
    assert "once you save your SIS selection you will not be able to change it" in text


def test_the_list_can_be_searched(eve: Person) -> None:
    text = words(eve.get(f"{AT}select-sis/", q="power"))
    assert "PowerSchool SIS" in text
    assert "Skyward" not in text
    assert "No SIS of that name" in words(eve.get(f"{AT}select-sis/", q="<b>nothing</b>"))


def test_choosing_leads_to_a_page_that_asks(eve: Person) -> None:
    answer = eve.get(f"{AT}select-sis/confirm/", sis="powerschool")
    text = words(answer)
    assert "PowerSchool SIS" in text
    assert "cannot be changed later" in text
    assert "Yes, confirm" in text
    assert number() == 0  # looking saves nothing


@pytest.mark.parametrize(
    ("choice", "connector", "partner"),
    [("infinite-campus", "oneroster_rest", "infinite-campus"), ("csv", "oneroster_csv", None)],
)
def test_confirming_saves_the_first_settings(eve: Person, choice: str, connector: str, partner: str | None) -> None:
    answer = select(eve, choice)
    assert (answer.status_code, answer["Location"]) == (302, f"{AT}configuration/")
    found = settings()
    assert (found.sis.connector, found.sis.partner, found.sis.options) == (connector, partner, {})
    assert (found.lms.connector, found.lms.options) == ("schoology", {})
    assert found.organization.timezone == "America/New_York"
    done = steps(elm())
    assert (done.number, done.sis_chosen, done.sis, done.lms) == (1, True, False, False)
    row = AuditRow.objects.get(action="select SIS")
    assert (row.by, row.organization) == ("Eve Elm (eve.elm@example.org)", "elm")
    assert eve.get(f"{AT}configuration/").status_code == 200


def test_afterwards_it_is_shown_and_fixed(eve: Person) -> None:
    select(eve, "skyward")
    text = words(eve.get(f"{AT}select-sis/"))
    assert "Your SIS is Skyward" in text
    assert "cannot be changed any more" in text
    assert "rollbook config import" in text
    assert "Aeries" not in text
    assert eve.get(f"{AT}select-sis/confirm/", sis="aeries")["Location"] == f"{AT}select-sis/"


@pytest.mark.parametrize("other", ["aeries", "csv"])
@pytest.mark.parametrize("seen", [0, 1, "x"])
def test_a_direct_post_cannot_change_it(eve: Person, other: str, seen: object) -> None:
    select(eve, "skyward")
    answer = eve.client.post(f"{AT}select-sis/confirm/", {"sis": other, "seen": seen}, follow=True)
    assert settings().sis.partner == "skyward"
    assert number() == 1
    assert "alert-danger" in html(answer)


def test_pressing_twice_saves_once(eve: Person) -> None:
    for _ in range(2):
        assert select(eve, "skyward")["Location"] == f"{AT}configuration/"
    assert number() == 1


def test_confirming_again_later_takes_nothing_away(eve: Person) -> None:
    """The form of a tab that was left open for long."""
    from rollbook.actions.settings_edit import change_settings

    select(eve, "skyward")
    change_settings(org="elm", by="Eve", what="test", change=lambda d: d["sis"]["options"].update(key="kept"))
    select(eve, "skyward")
    assert settings().sis.options == {"key": "kept"}


@pytest.mark.parametrize("choice", ["", "nothing", "memory", "__class__"])
def test_what_is_not_on_the_list_is_not_chosen(eve: Person, choice: str) -> None:
    answer = eve.client.post(f"{AT}select-sis/confirm/", {"sis": choice, "seen": 0}, follow=True)
    assert "Choose your SIS from the list first" in words(answer)
    assert latest_version(elm()) is None
    assert eve.get(f"{AT}select-sis/confirm/").status_code == 302


@pytest.mark.parametrize("role", ["administrator", "viewer"])
def test_others_only_look(eve: Person, role: str) -> None:
    other = make_person("Otto", org="elm", role=role)
    text = words(other.get(f"{AT}select-sis/"))
    assert "Skyward" in text
    assert "confirm" not in html(other.get(f"{AT}select-sis/"))
    assert other.get(f"{AT}select-sis/confirm/", sis="skyward").status_code == 403
    assert select(other, "skyward").status_code == 403
    assert number() == 0


def test_another_organization_is_not_there(eve: Person) -> None:
    stranger = make_person("Stan")
    assert stranger.get(f"{AT}select-sis/").status_code == 404
    assert select(stranger).status_code == 404


def test_settings_of_a_file_show_their_sis(ann: Person) -> None:
    """The organization of these tests came from a settings file."""
    assert "Your SIS is" in words(ann.get("/o/maple/select-sis/"))
