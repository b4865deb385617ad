"""Takes the pictures of the docs from the running pages, so that they never lie: script/docs --pictures.

They show a made-up district between practice systems. Not part of the tests: a picture differs with every clock.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.installation import MAPPED, ROOT, Installation, chromium
from tests.browser.test_guide import organization

FOLDER: Final = ROOT / "docs" / "images" / "pages"
#: From the second sync on, sections have other titles, and every update waits for a person.
HELD: Final = MAPPED + 'sections: {title: "{class} – {course}"}\nlimits: {update: {percent: 0, from: 1}}\n'
MESS: Final = ("usernames-with-spaces", "doubled-usernames", "missing-usernames", "class-without-teacher")
WIDTH: Final = 1120
PHONE: Final = 390


@dataclass(frozen=True)
class Picture:
    """A page, `high` pixels of it; `then` goes on from there."""

    path: str
    high: int = 720
    then: Callable[[Page], None] = lambda page: None
    org: str = "maple"
    phone: bool = False
    dark: bool = False


def _hold(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Look and decide")).first.click()


def _run(page: Page) -> None:
    page.locator("#logs tbody th a").first.click()


def _finding(page: Page) -> None:
    _run(page)
    finding = page.locator(".rb-finding").first
    finding.locator("summary").click()
    finding.evaluate("one => one.scrollIntoView({block: 'center'})")


def _search(page: Page) -> None:
    """People named so; their names are in a script that every machine has letters for."""
    page.locator("main input[type=search], main input[name=text], main input[name=q]").first.fill("Smith")
    page.get_by_role("button", name="Search").click()


def _student(page: Page) -> None:
    _search(page)
    page.locator("main tbody a").first.click()


PICTURES: Final = {
    "home": Picture("", 940),
    "select-sis": Picture("select-sis/", org="cedar"),
    "configuration": Picture("configuration/"),
    "schools": Picture("schools/", 980),
    "terms": Picture("terms/others/", 900),
    "data-prep": Picture("data-prep/", 1000),
    "users": Picture("users/", 1000),
    "plan": Picture("plan/", 760),
    "hold": Picture("plan/", 1160, _hold),
    "logs": Picture("logs/"),
    "run": Picture("logs/", 1160, _run),
    "finding": Picture("logs/", then=_finding),
    "search": Picture("search/", then=_search),
    "why": Picture("search/", 1000, _student),
    "manage-users": Picture("manage-users/", 720, _search),
    "people": Picture("people/", 800),
    "audit": Picture("audit/"),
    "what-moves": Picture("what-moves/"),
    "home-phone": Picture("", 844, phone=True),
    "hold-dark": Picture("plan/", 900, _hold, dark=True),
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        installation = Installation(Path(folder), students=400, mess=MESS)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        try:
            _take_all(browser, installation, _prepared(browser, installation))
        finally:
            browser.close()
            installation.stop()


def _prepared(browser: Browser, installation: Installation) -> dict[str, Page]:
    """Some history: two syncs, something held, two people; and an organization at its beginning. Who sees which."""
    olga, bob, ann = [browser.new_context(base_url=installation.address).new_page() for _ in range(3)]
    organization(olga, installation)
    installation.mapped()
    installation.sign_in(bob, "Bob Ortiz", "--org", "maple")
    installation.sign_in(ann, "Ann Lee", "--org", "maple", "--acting")
    ann.goto("/o/maple/schools/")
    ann.get_by_role("button", name="Read the lists now").click()
    ann.goto("/o/maple/data-prep/")
    ann.get_by_role("button", name="Look at both systems").click()
    ann.get_by_role("button", name="I have looked", disabled=False).click(timeout=60_000)
    installation.organization("maple", "Maple Valley", HELD)
    installation.rollbook("sync", "maple")
    return {"cedar": olga, "maple": ann}


def _take_all(browser: Browser, installation: Installation, people: dict[str, Page]) -> None:
    for name, picture in PICTURES.items():
        context = browser.new_context(
            base_url=installation.address,
            storage_state=people[picture.org].context.storage_state(),
            color_scheme="dark" if picture.dark else "light",
            viewport={"width": PHONE if picture.phone else WIDTH, "height": picture.high},
        )
        page = context.new_page()
        page.goto(f"/o/{picture.org}/{picture.path}")
        picture.then(page)
        page.wait_for_load_state()
        page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
        context.close()


if __name__ == "__main__":
    main()
