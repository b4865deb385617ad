"""Every page of an organization that has synced: no trouble that axe-core knows, at each width and in the dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WAIT, violations
from tests.browser.installation import Installation

PAGES = (
    "", "select-sis/", "configuration/", "configuration/more/", "schools/", "terms/", "data-prep/", "users/",
    "courses/", "sections/", "grades/", "grades/teachers/", "grades/mine/", "plan/", "plan/holds/", "plan/pins/",
    "logs/", "search/", "manage-users/",
    "grade-settings/", "what-moves/", "field-map/", "files/", "people/", "api-tokens/", "audit/",
)  # fmt: skip
#: Of lists, those of which something is out of sight to the right.
HIDDEN = "every => every.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.className)"
LOOKS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


@pytest.fixture(scope="module", params=sorted(LOOKS))
def look(request: pytest.FixtureRequest, browser: Browser, installation: Installation) -> Iterator[Page]:
    context = browser.new_context(base_url=installation.address, **LOOKS[request.param])
    context.set_default_timeout(WAIT)
    page = context.new_page()
    installation.sign_in(page, request.param.replace(" ", ""), "--org", "maple", "--acting")
    page.goto("/o/maple/data-prep/")
    skip = page.get_by_role("button", name="Skip this step knowingly")
    if skip.count():
        skip.click()  # else Users, Courses and Sections would show no more than that they are locked
    yield page
    context.close()


@pytest.mark.parametrize("path", PAGES, ids=[path or "home" for path in PAGES])
def test_the_page_is_accessible(look: Page, path: str) -> None:
    answer = look.goto(f"/o/maple/{path}")
    assert answer is not None
    assert answer.status == 200
    assert violations(look) == []
    wide = look.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "the page scrolls sideways"


@pytest.mark.parametrize("path", ["users/", "logs/", "plan/", "people/", "manage-users/", "data-prep/?show=both"])
def test_nothing_of_a_list_is_out_of_sight_on_a_phone(look: Page, path: str) -> None:
    """Nobody would guess that a list goes on to the right where scroll bars hide."""
    if (look.viewport_size or {})["width"] > 400:
        pytest.skip("this is no phone")  # the fixture's other look; making a third one would sign in once more
    look.goto(f"/o/maple/{path}")
    assert look.locator(".rb-stack").count() > 0 or path == "data-prep/?show=both"
    assert look.locator(".rb-scroll").evaluate_all(HIDDEN) == []


def test_the_map_of_roles_fits_the_window(look: Page) -> None:
    """However many roles the SIS has."""
    look.goto("/o/maple/users/")
    assert look.locator(".rb-roles select").count() > 20
    assert look.locator(".rb-scroll").evaluate_all(HIDDEN) == []


def test_the_run_page_is_accessible(look: Page) -> None:
    look.goto("/o/maple/logs/")
    look.locator("main a[href*='/logs/']").first.click()
    assert violations(look) == []


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/"])
def test_signing_in_is_accessible(browser: Browser, installation: Installation, path: str) -> None:
    context = browser.new_context(base_url=installation.address)
    page = context.new_page()
    page.goto(path)
    assert violations(page) == []
    context.close()


@pytest.fixture(scope="module")
def watcher(browser: Browser, installation: Installation) -> Iterator[Page]:
    """Somebody who sees both systems in Data Prep."""
    context = browser.new_context(base_url=installation.address)
    context.set_default_timeout(WAIT)
    page = context.new_page()
    installation.sign_in(page, "Wanda", "--org", "maple")
    installation.rollbook("plan", "maple", "--live")
    page.goto("/o/maple/data-prep/")
    expect(page.get_by_role("heading", name="Who is where")).to_be_visible()
    yield page
    context.close()


@pytest.mark.parametrize("width", [768, 1024, 1120, 1280])
@pytest.mark.parametrize(
    "path", ["data-prep/?show=both", "data-prep/?show=sis", "data-prep/?show=lms", "manage-users/"]
)
def test_lists_of_people_fit_into_the_page(watcher: Page, path: str, width: int) -> None:
    """Nobody has to scroll sideways for the last columns."""
    watcher.set_viewport_size({"width": width, "height": 900})
    watcher.goto(f"/o/maple/{path}")
    assert watcher.locator("table.rb-people tbody tr").count() > 0
    assert watcher.locator(".rb-scroll").evaluate_all(HIDDEN) == []
