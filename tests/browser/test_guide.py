"""The vendor's guide from Select SIS to Logs, clicked through in a real browser on the practice systems."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import started
from tests.browser.installation import Installation

ROLES = {"student": "Student", "teacher": "Teacher", "guardian": "Parent"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Of its own: it is followed from the first person on."""
    yield from started(tmp_path_factory)


def test_the_whole_guide(tab: Page, installation: Installation) -> None:
    organization(tab, installation)
    select_sis(tab)
    configuration(tab, installation)
    schools(tab)
    terms(tab)
    data_prep(tab)
    for page, button, kind in (
        ("Users", "Sync Users", "Users"),
        ("Courses", "Sync Courses", "Courses"),
        ("Sections", "Sync Sections/Enrollments", "Enrollments"),
    ):
        sync(tab, page, button)
        logs(tab, kind)


def organization(tab: Page, installation: Installation) -> None:
    """The first person of an installation makes the organization, and is its first administrator."""
    link = installation.rollbook("admin", "invite", "--operator", "--email", "olga@example.org")["link"]
    tab.goto("/invitation/" + link.split("/invitation/")[1])
    tab.get_by_label("Name").fill("Olga Operator")
    for box in tab.locator("input[type=password]").all():
        box.fill("a long enough passphrase")
    tab.get_by_role("button", name="Make the account and sign in").click()
    tab.goto("/organizations/")
    tab.get_by_label("Name", exact=True).fill("Cedar Hills")
    tab.get_by_label(re.compile("Short name")).fill("cedar")
    tab.get_by_label(re.compile("Time zone")).select_option("America/Chicago")
    tab.get_by_role("button", name="Make the organization").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Cedar Hills")
    tab.get_by_role("button", name="Make the invitation").click()
    mine = tab.locator("text=/invitation\\/[A-Za-z0-9_-]{20,}/").first
    address = mine.input_value() if mine.evaluate("one => 'value' in one") else mine.inner_text()
    tab.goto("/invitation/" + address.split("/invitation/")[1].strip())
    tab.get_by_role("button", name="Accept the invitation").click()
    tab.goto("/o/cedar/")


def to(tab: Page, name: str) -> None:
    tab.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True).click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(name)


def select_sis(tab: Page) -> None:
    to(tab, "Select SIS")
    tab.get_by_label("Search the list").fill("any oneroster 1.1")
    tab.get_by_role("link", name="Select Any OneRoster 1.1 provider").click()
    expect(tab.get_by_text("Your SIS cannot be changed later.")).to_be_visible()
    tab.get_by_role("button", name="Yes, confirm").click()
    to(tab, "Select SIS")
    expect(tab.get_by_role("heading", name=re.compile("Your SIS is"))).to_be_visible()
    expect(tab.get_by_role("link", name=re.compile("^Select "))).to_have_count(1)  # the tab alone


def configuration(tab: Page, installation: Installation) -> None:
    sis_api(tab, installation)
    lms = tab.locator("form", has=tab.get_by_role("button", name="Save LMS Credentials"))
    lms.get_by_label(re.compile("API address")).fill(installation.lms["base_url"])
    lms.get_by_label(re.compile("Consumer Key")).fill("practice")
    lms.get_by_label(re.compile("Consumer Secret")).fill("practice")
    lms.get_by_role("button", name="Save LMS Credentials").click()
    expect(tab.get_by_text("Credentials are saved")).to_have_count(2)
    assert "practice" not in [box.input_value() for box in tab.locator("input[type=password]").all()]
    options = tab.locator("form", has=tab.get_by_role("button", name="Save Sync Options"))
    options.get_by_label(re.compile("^Scheduled")).check()
    options.get_by_role("button", name="Save Sync Options").click()
    expect(tab.get_by_text(re.compile("Next sync is queued on"))).to_be_visible()
    active_year(tab)
    expect(tab.get_by_text("You are the Acting User", exact=True)).to_be_visible()


def active_year(tab: Page) -> None:
    tab.get_by_role("button", name="Read the years from the SIS").click()
    expect(tab.get_by_label("Active Year", exact=True)).to_contain_text("2026-2027")


def sis_api(tab: Page, installation: Installation) -> None:
    to(tab, "Configuration")
    sis = tab.locator("form", has=tab.get_by_role("button", name="Save API Credentials"))
    sis.get_by_label(re.compile("SIS Connect Domain")).fill(installation.sis["base_url"])
    sis.get_by_label(re.compile("Token address")).fill(installation.sis["token_url"])
    sis.get_by_label(re.compile("Consumer Key")).fill("practice")
    sis.get_by_label(re.compile("Consumer Secret")).fill("wrong")
    sis.get_by_role("button", name="Test connection").click()
    expect(tab.locator(".alert").filter(visible=True).first).to_contain_text(re.compile("refused|credentials"))
    sis.get_by_label(re.compile("Consumer Secret")).fill("practice")
    sis.get_by_role("button", name="Save API Credentials").click()
    expect(tab.get_by_text("Credentials are saved")).to_have_count(1)


def schools(tab: Page) -> None:
    to(tab, "Schools")
    for button in tab.get_by_role("button", name=re.compile("^Read")).all()[:1]:
        button.click()
    tab.get_by_role("button", name="Create new buildings for all unmapped schools").click()
    tab.get_by_role("button", name="Save Changes").click()
    _confirm(tab)
    expect(tab.locator("#rb-messages")).to_contain_text(re.compile("saved", re.IGNORECASE))


def terms(tab: Page) -> None:
    to(tab, "Terms")
    tab.get_by_role("link", name="Terms of all other schools").click()
    tab.wait_for_url("**/terms/others/")
    for box in tab.locator("main select").all():
        if box.is_visible() and box.locator("option[value=create]").count():
            box.select_option("create")
    tab.get_by_role("button", name="Save Changes").click()
    _confirm(tab)
    expect(tab.locator("#rb-messages")).to_contain_text(re.compile("saved", re.IGNORECASE))


def _confirm(tab: Page) -> None:
    """A page that asks first names what will happen."""
    asked = tab.get_by_role("button", name=re.compile("^(Yes|Save all the same|Confirm)"))
    if asked.count():
        asked.first.click()


def data_prep(tab: Page, roles: Mapping[str, str] = ROLES) -> None:
    to(tab, "Courses")
    expect(tab.get_by_text("This page is locked")).to_be_visible()
    to(tab, "Data Prep")
    expect(tab.get_by_text("No roles are mapped yet")).to_be_visible()
    to(tab, "Users")
    expect(tab.get_by_text("Nothing can be synced yet.")).to_be_visible()
    expect(tab.get_by_role("button", name="Sync Users")).to_have_count(0)
    map_roles(tab, roles)
    tab.get_by_role("button", name="Save role maps").click()
    to(tab, "Data Prep")
    expect(tab.get_by_text("No roles are mapped yet")).to_have_count(0)
    tab.get_by_role("button", name="Skip this step knowingly").click()
    to(tab, "Courses")
    expect(tab.get_by_text("This page is locked")).to_have_count(0)


def map_roles(tab: Page, roles: Mapping[str, str]) -> None:
    for role, title in roles.items():
        tab.locator("main select[aria-label^='" + role + " at ']").first.select_option(title)
    for box in tab.locator("main select").filter(has=tab.locator("option[value=skip]")).all():
        if box.input_value() == "":
            box.select_option("skip")


def sync(tab: Page, page: str, button: str) -> None:
    to(tab, page)
    for box in tab.locator("input[type=checkbox][name=school]").all():
        box.check()
    tab.get_by_role("button", name=button, exact=True).click()
    tab.wait_for_url("**/logs/**")


def logs(tab: Page, kind: str) -> None:
    """The run's page follows it to its end by itself."""
    expect(tab.locator(".rb-state").first).to_contain_text("Done", timeout=120_000)
    expect(tab.locator("main")).to_contain_text(kind)
