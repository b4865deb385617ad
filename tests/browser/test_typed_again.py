"""What was typed when a sign-in had expired stands in the form again, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import violations
from tests.browser.installation import MAPPED, PASSWORD, Installation


def test_a_form_that_outlived_its_sign_in(tab: Page, installation: Installation) -> None:
    installation.organization("elder", "Elder Creek", MAPPED)
    installation.sign_in(tab, "Tessa", "--org", "elder", "--acting")
    tab.goto(f"{installation.address}/o/elder/configuration/")
    tab.locator("#id_schedule-opens").fill("01:30")
    tab.context.clear_cookies(name="rollbook_session")
    tab.get_by_role("button", name="Save Sync Options").click()
    expect(tab.get_by_text("nothing was saved yet")).to_be_visible()
    tab.locator("#id_login").fill("tessa@example.org")
    tab.locator("#id_password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    expect(tab.get_by_text("Nothing was saved yet.")).to_be_visible()
    expect(tab.locator("#id_schedule-opens")).to_have_value("01:30")
    assert violations(tab) == []
    tab.get_by_role("button", name="Save Sync Options").click()
    expect(tab.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(tab.locator("#id_schedule-opens")).to_have_value("01:30")
