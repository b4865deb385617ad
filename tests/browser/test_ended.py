"""What has ended loads the page anew, but never over what somebody typed."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import violations
from tests.browser.installation import MAPPED, Installation

#: What a part of a page does every few seconds, when a run that it knew is not there any more.
_ASK = "htmx.ajax('GET', '/o/ash/plan/working/?seen=gone', {target: 'body', swap: 'none'})"
_MARK = "document.body.dataset.old = 'yes'"


def test_what_is_typed_stays_and_else_the_page_is_loaded_anew(
    context: BrowserContext, installation: Installation, tmp_path: Path
) -> None:
    installation.organization("ash", "Ash Falls", MAPPED)
    tab = context.new_page()
    installation.sign_in(tab, "Enda", "--org", "ash", "--acting")
    tab.set_viewport_size({"width": 390, "height": 800})
    for change in (_type, _choose):
        tab.goto("/o/ash/configuration/")
        change(tab)
        tab.evaluate(_MARK)
        tab.evaluate(_ASK)
        line = tab.locator("#rb-ended")
        expect(line).to_be_visible()
        assert tab.evaluate("document.body.dataset.old") == "yes"
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(tab) == []
    tab.screenshot(path=tmp_path / "ended.png")

    line.get_by_role("link").click()
    expect(tab.locator("#rb-ended")).to_be_hidden()
    tab.evaluate(_MARK)
    tab.evaluate(_ASK)
    tab.wait_for_function("document.body && !document.body.dataset.old")
    expect(tab.get_by_role("heading", name="Configuration", level=1)).to_be_visible()


def _type(tab: Page) -> None:
    tab.locator("#id_schedule-opens").fill("01:45")


def _choose(tab: Page) -> None:
    """Another option of the first list."""
    chosen = tab.locator("main form[method=post] select:visible").first
    chosen.select_option(index=1 if chosen.evaluate("one => one.selectedIndex") != 1 else 0)
