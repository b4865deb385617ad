"""Without a mouse: from signing in through mapping schools to the start of a sync."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WAIT
from tests.browser.installation import PASSWORD, Installation
from tests.browser.keys import Keys

ORG, NAME, EMAIL = "birch", "Kim", "kim@example.org"


@pytest.fixture(scope="module")
def kim(browser: Browser, installation: Installation) -> Iterator[Page]:
    """Signed out, but with an account: the acting user of Birch, where nothing is mapped yet."""
    installation.organization(ORG, "Birch")
    size = {"width": 1280, "height": 900}
    context = browser.new_context(base_url=installation.address, viewport=size, reduced_motion="reduce")
    context.set_default_timeout(WAIT)
    page = context.new_page()
    installation.sign_in(page, NAME, "--org", ORG, "--acting")
    yield page
    context.close()


def test_from_signing_in_to_the_start_of_a_sync(kim: Page, installation: Installation) -> None:
    keys = Keys(kim)
    kim.context.clear_cookies()
    kim.goto("/accounts/login/")
    keys.to("E-mail address")
    keys.type(EMAIL)
    keys.to("Password")
    keys.type(PASSWORD)
    with kim.expect_navigation():
        kim.keyboard.press("Enter")
    _skip_link_and_order(kim, keys)
    keys.open("Schools", "a")
    keys.open("Read the lists now", "button")
    keys.to("Schools not listed here", "select")
    keys.type("Create New")
    keys.open("Save Changes", "button")
    expect(kim.locator("#rb-messages")).to_contain_text("Your changes are saved.")
    keys.open("Terms", "a")
    keys.open("Terms of all other schools", "a")
    keys.to("All other terms of all other schools", "select")
    keys.type("Create new")
    keys.open("Save Changes", "button")
    expect(kim.locator("#rb-messages")).to_contain_text("Your changes are saved.")
    keys.open("Data Prep", "a")
    keys.open("Skip this step knowingly", "button")
    keys.open("Users", "a")
    keys.press("School", "input", "Space")
    assert all(box.is_checked() for box in kim.locator("input[name=school]").all())
    keys.open("Sync Users", "button")
    kim.wait_for_url("**/logs/**")
    _follows_with_the_focus_kept(kim, keys)


def _skip_link_and_order(page: Page, keys: Keys) -> None:
    """The first stops are those one reads first, and the first of all leads past the tabs."""
    stops = [keys.tab()["name"] for _ in range(7)]
    assert stops[:1] == ["Skip to main content"]
    assert stops[1:] == ["Rollbook", "Birch", NAME, "Home", "Select SIS", "Configuration"]
    assert page.locator("[tabindex]:not([tabindex='0'], [tabindex='-1'])").count() == 0
    page.reload()
    keys.press("Skip to main content")
    assert page.evaluate("document.activeElement.id") == "content"
    tabs = page.get_by_role("navigation", name="Pages")
    keys.tab()
    assert not tabs.evaluate("nav => nav.contains(document.activeElement)")
    page.reload()


def _follows_with_the_focus_kept(page: Page, keys: Keys) -> None:
    """The page of a run renews itself until the end; whoever stands on a link of it still stands there."""
    keys.to("All logs", "a")
    expect(page.locator(".rb-state").first).to_contain_text("Done", timeout=60_000)
    assert keys.stop()["name"] == "All logs"


def test_a_menu_opens_and_closes(kim: Page) -> None:
    keys = Keys(kim)
    kim.goto(f"/o/{ORG}/")
    more = kim.locator(".rb-tabs details")
    keys.press("More", "summary")
    expect(more).to_have_attribute("open", "")
    assert keys.tab()["name"] == "Search"
    kim.keyboard.press("Escape")
    expect(more).not_to_have_attribute("open", "")
    assert keys.stop()["name"] == "More"


def test_the_answer_of_a_test_leaves_the_focus_on_its_button(kim: Page) -> None:
    keys = Keys(kim)
    kim.goto(f"/o/{ORG}/configuration/")
    keys.press("Test connection", "button")
    expect(kim.locator("#sis-outcome")).to_contain_text(re.compile("The connection works"))
    assert keys.stop()["name"] == "Test connection"
    assert kim.locator("#sis-outcome").get_attribute("role") == "status"  # and it is read aloud
