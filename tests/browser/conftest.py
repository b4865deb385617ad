"""A real Chromium, and Rollbook with practice systems as real processes: what a district's admin meets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from rollbook.practice import district

ROOT = Path(__file__).parents[2]
AXE = (Path(__file__).parent / "axe.min.js").read_text()
PASSWORD = "a long enough passphrase"
WAIT = 20_000  # milliseconds; a busy machine is slow


def chromium() -> str:
    """The path that script/bootstrap found."""
    kept = ROOT / ".venv" / "chromium"
    return os.environ.get("ROLLBOOK_CHROMIUM") or (kept.read_text().strip() if kept.exists() else "")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if not path:
        pytest.skip("there is no Chromium: script/bootstrap could not install one (see .venv/chromium)")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


class Installation:
    """Rollbook serving its pages and working its queue, beside a practice SIS and a practice LMS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            "ROLLBOOK_DATA": str(folder / "data"),
            "ROLLBOOK_ALLOW_PRIVATE_HOSTS": "1",
        }
        self._processes: list[subprocess.Popen[str]] = []
        [day] = district.generate(folder / "sis", students=60, seed=5)
        self.lms = self._start("practice", "lms", "--port", "0")
        self.sis = self._start("practice", "sis", str(day), "--port", "0")
        self.address = self._start("up", "--port", "0")["address"]

    def rollbook(self, *arguments: str) -> Any:
        """The JSON answer of a command on the same data folder."""
        command = [sys.executable, "-m", "rollbook.cli", *arguments, "--json"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            assert process.stdout is not None
            process.stdout.close()

    def _start(self, *arguments: str) -> Any:
        """The one JSON document that the process prints as soon as it serves."""
        log = (self.folder / f"{arguments[0]}-{len(self._processes)}.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", "rollbook.cli", *arguments, "--json"],
            env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
        self._processes.append(process)
        assert process.stdout is not None
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        return json.loads(text)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation(tmp_path_factory.mktemp("installation"))
    try:
        yield found
    finally:
        found.stop()


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
    """What axe-core finds on the page as it is, in one line each. Evaluated past the page's own policy."""
    page.evaluate(AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", tags)
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
