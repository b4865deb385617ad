"""From choosing another LMS than the first to a synced run, in a real browser on practice systems."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import started, violations
from tests.browser.installation import Installation
from tests.browser.test_guide import (
    active_year,
    data_prep,
    logs,
    organization,
    schools,
    select_sis,
    sis_api,
    sync,
    terms,
    to,
)

ROLES = {"student": "student", "teacher": "editingteacher"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Of its own: it is followed from the first person on."""
    yield from started(tmp_path_factory)


def test_moodle_is_chosen_set_up_and_synced(tab: Page, installation: Installation) -> None:
    site, other = installation.moodle(), installation.lms_state()
    organization(tab, installation)
    select_sis(tab)
    sis_api(tab, installation)
    choose(tab)
    connection(tab, site["base_url"])
    active_year(tab)
    schools(tab)
    to(tab, "Terms")
    expect(tab.get_by_text("Moodle has no grading periods.")).to_be_visible()
    terms(tab)
    expect(tab.locator("#rb-messages")).not_to_contain_text("grading periods")
    expect(tab.get_by_text("Create new grading period")).to_have_count(0)
    data_prep(tab, ROLES)
    to(tab, "Courses")
    expect(tab.get_by_text("otherwise nothing is made of them in Moodle")).to_be_visible()
    to(tab, "Sections")
    expect(tab.get_by_text("In Moodle a section is a course")).to_be_visible()
    for page, button, kind in (
        ("Users", "Sync Users", "Users"),
        ("Courses", "Sync Courses", "Courses"),
        ("Sections", "Sync Sections/Enrollments", "Enrollments"),
    ):
        sync(tab, page, button)
        logs(tab, kind)
    state = installation.lms_state(site)
    assert len(state["users"]) > 60
    assert len(state["courses"]) > 0
    assert len(state["enrolments"]) > 60
    assert installation.lms_state() == other, "the other LMS got nothing"
    to(tab, "Configuration")
    expect(tab.get_by_text(re.compile("Your LMS is Moodle. That cannot be changed any more"))).to_be_visible()
    expect(tab.get_by_role("button", name="Choose this LMS")).to_have_count(0)
    assert violations(tab) == []


def choose(tab: Page) -> None:
    """With the keyboard alone."""
    box = tab.get_by_label("Which LMS does your district use?")
    expect(box).to_have_value("schoology")
    assert violations(tab) == []
    box.focus()
    box.press("M")
    box.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="LMS connection: Moodle")).to_be_visible()
    expect(tab.get_by_role("heading", name="Moodle Acting User")).to_be_visible()


def connection(tab: Page, address: str) -> None:
    lms = tab.locator("form", has=tab.get_by_role("button", name="Save LMS Credentials"))
    lms.get_by_label(re.compile("^Site address")).fill(address)
    token = lms.get_by_label("Token", exact=True)
    token.fill("wrong")
    lms.get_by_role("button", name="Test connection").click()
    said = tab.locator("#lms-outcome .alert")
    expect(said).to_contain_text("the token is not valid, or not any more; make a new one")
    expect(said).to_contain_text("Site administration, Server, Web services")
    token.fill("practice")
    lms.get_by_role("button", name="Test connection").click()
    expect(said).to_contain_text("The connection works.")
    lms.get_by_role("button", name="Save LMS Credentials").click()
    expect(tab.get_by_text("Credentials are saved")).to_have_count(2)
