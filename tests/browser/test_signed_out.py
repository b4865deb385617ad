"""A page with something typed on it stays when the sign-in ends, and its old form works after signing in elsewhere."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import violations
from tests.browser.installation import MAPPED, PASSWORD, Installation

#: What a part of a page does every few seconds, now.
_ASK = "htmx.ajax('GET', '/o/oak/plan/working/?seen=', {target: '#schedule-preview', swap: 'outerHTML'})"


def test_what_is_typed_survives_the_end_of_the_sign_in(context: BrowserContext, installation: Installation) -> None:
    installation.organization("oak", "Oak Ridge", MAPPED)
    tab = context.new_page()
    installation.sign_in(tab, "Olga", "--org", "oak", "--acting")
    tab.goto("/o/oak/configuration/")
    tab.locator("#id_schedule-opens").fill("01:30")
    line = tab.locator("#rb-signed-out")
    expect(line).to_be_hidden()
    context.clear_cookies(name="rollbook_session")
    tab.evaluate(_ASK)
    expect(line).to_be_visible()
    expect(tab.locator("#schedule-preview")).to_be_attached()
    expect(tab.locator("#id_schedule-opens")).to_have_value("01:30")
    assert tab.url.endswith("/o/oak/configuration/")
    assert violations(tab) == []

    with context.expect_page() as opened:
        line.get_by_role("link").click()
    other = opened.value
    other.locator("#id_login").fill("olga@example.org")
    other.locator("#id_password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_role("heading", name="Configuration", level=1)).to_be_visible()
    tab.evaluate("htmx.ajax('GET', '/o/oak/plan/working/?seen=', {target: '#schedule-preview', swap: 'none'})")
    expect(line).to_be_hidden()

    tab.get_by_role("button", name="Save Sync Options").click()  # its form is older than the sign-in
    expect(tab.get_by_text("Nothing was saved yet.")).to_be_visible()
    expect(tab.locator("#id_schedule-opens")).to_have_value("01:30")
    tab.get_by_role("button", name="Save Sync Options").click()
    expect(tab.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(tab.locator("#id_schedule-opens")).to_have_value("01:30")
