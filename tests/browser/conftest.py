"""A real Chromium, and Rollbook with practice systems as real processes: what a district's admin meets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.installation import Installation, chromium

AXE = (Path(__file__).parent / "axe.min.js").read_text()
WAIT = 20_000  # milliseconds; a busy machine is slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with its module: while it is open, this thread has a running event loop, which no other test must meet."""
    path = chromium()
    if not path:
        pytest.skip("there is no Chromium: script/bootstrap could not install one (see .venv/chromium)")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """What a fixture yields from, to have an installation."""
    found = Installation(tmp_path_factory.mktemp("installation"))
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Shared: maple is mapped and synced before anything else, so that its accounts are its own whichever test comes
    first. A test that changes something has another organization; a module with other wishes an `installation`."""
    for found in started(tmp_path_factory):
        found.mapped()
        yield found


@pytest.fixture
def course(browser: Browser) -> Iterator[Page]:
    """A browser of its own, in which nobody is signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(WAIT)
    yield context.new_page()
    context.close()


@pytest.fixture
def context(browser: Browser, installation: Installation) -> Iterator[BrowserContext]:
    found = browser.new_context(base_url=installation.address, viewport={"width": 1280, "height": 900})
    found.set_default_timeout(WAIT)
    yield found
    found.close()


@pytest.fixture
def tab(context: BrowserContext) -> Iterator[Page]:
    """A page whose scripts' errors, refused resources and requests to other hosts fail the test."""
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: trouble.append(request.url) if "127.0.0.1" not in request.url else None)
    yield page
    assert not [one for one in trouble if not one.startswith("data:")]


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page, in one line each; looked at again where something may just be fading in.
    Evaluated past the page's own policy."""
    page.evaluate(AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    lines: list[str] = []
    for _ in range(3):
        found = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", tags)
        lines = [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
        if not lines:
            break
        page.wait_for_timeout(1000)
    return lines
