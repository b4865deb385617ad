"""What has ended loads the page anew, but never over what somebody typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import violations
from tests.browser.installation import Installation

#: What a part of the page does every few seconds, when a run that it knew is not there any more.
_ASK = "htmx.ajax('GET', '/o/maple/plan/working/?seen=gone', {target: '#nowhere', swap: 'none'})"
_MARK = "document.body.dataset.old = 'yes'"


@pytest.fixture
def tab(context: BrowserContext, installation: Installation) -> Page:
    if not installation.ready:
        installation.mapped()
    tab = context.new_page()
    installation.sign_in(tab, "Olga", "--org", "maple", "--acting")
    return tab


@pytest.mark.parametrize("field", ["text", "tick", "choice"])
def test_what_is_typed_stays(tab: Page, field: str) -> None:
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.goto("/o/maple/configuration/")
    if field == "text":
        tab.locator("#id_schedule-opens").fill("01:45")
    elif field == "tick":
        tab.locator("main form[method=post] input[type=checkbox]:visible").first.click()
    else:
        chosen = tab.locator("main form[method=post] select:visible").first
        chosen.select_option(index=1 if chosen.evaluate("one => one.selectedIndex") != 1 else 0)
    tab.evaluate(_MARK)
    tab.evaluate(_ASK)
    line = tab.locator("#rb-ended")
    expect(line).to_be_visible()
    assert tab.evaluate("document.body.dataset.old") == "yes"
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(tab) == []
    line.get_by_role("link").click()
    expect(tab.locator("#rb-ended")).to_be_hidden()


def test_without_anything_typed_the_page_is_loaded_anew(tab: Page) -> None:
    tab.goto("/o/maple/configuration/")
    tab.evaluate(_MARK)
    tab.evaluate(_ASK)
    tab.wait_for_function("document.body && !document.body.dataset.old")
    expect(tab.get_by_role("heading", name="Configuration", level=1)).to_be_visible()
