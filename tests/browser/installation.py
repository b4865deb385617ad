"""Rollbook with practice systems as real processes, for the browser tests and the pictures of the docs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.request import urlopen

from playwright.sync_api import Page

import rollbook.web  # noqa: F401 - before anything else of Rollbook: commands work in this process
from rollbook.cli.demo_systems import first_document
from rollbook.practice import district
from tests.cli.kit import Command

ROOT = Path(__file__).parents[2]
PASSWORD = "a long enough passphrase"

CONNECTIONS = """
organization: {{slug: {slug}, name: {name}, timezone: America/New_York}}
sis: {{connector: oneroster_rest, partner: generic-1.1, options: {{base_url: "{sis[base_url]}",
       token_url: "{sis[token_url]}", auth: oauth2, key: practice, secret: practice}}}}
lms: {{connector: schoology, options: {{base_url: "{lms[base_url]}", key: practice, secret: practice, credits: 1000}}}}
active_year: "2027"
roles: {{"*": {{student: Student, teacher: Teacher, guardian: Parent, "*": skip}}}}
"""
MAPPED = """
schools: {"*": create}
terms: {"*": {"*": create}}
schedule: {mode: scheduled, every: daily, window: "00:00-03:00"}
"""


#: Commands that work in this process: each would take a second to start.
_AT_ONCE = frozenset({"admin", "config", "runs"})


def chromium() -> str:
    """The path that script/bootstrap found."""
    kept = ROOT / ".venv" / "chromium"
    return os.environ.get("ROLLBOOK_CHROMIUM") or (kept.read_text().strip() if kept.exists() else "")


class Installation:
    """Rollbook serving its pages and working its queue, beside a practice SIS and a practice LMS."""

    def __init__(
        self, folder: Path, *, students: int = 60, mess: Sequence[str] = (), files: Mapping[str, str] | None = None
    ) -> None:
        """`files` are further ones of the SIS, by name."""
        self.folder = folder
        self._environment = {
            **os.environ,
            "ROLLBOOK_DATA": str(folder / "data"),
            "ROLLBOOK_ALLOW_PRIVATE_HOSTS": "1",
        }
        self._processes: list[subprocess.Popen[str]] = []
        [day] = district.generate(folder / "sis", students=students, seed=5, mess=mess)
        for name, text in (files or {}).items():
            (day / name).write_text(text)
        self.lms = self._start("practice", "lms", "--port", "0")
        self.sis = self._start("practice", "sis", str(day), "--port", "0")
        self.address = self._start("up", "--port", "0")["address"]

    def rollbook(self, *arguments: str) -> Any:
        """The JSON answer of a command on the same data folder, which may say that something is held."""
        if arguments[0] in _AT_ONCE:
            with ThreadPoolExecutor(1) as other:  # in this thread the browser's event loop runs, which Django refuses
                return other.submit(self._at_once, *arguments).result()
        command = [sys.executable, "-m", "rollbook.cli", *arguments, "--json"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)
        assert done.returncode in (0, 3), (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def _at_once(self, *arguments: str) -> Any:
        with mock.patch.dict(os.environ, {"ROLLBOOK_ALLOW_PRIVATE_HOSTS": "1"}):
            answer = Command(self.folder / "data").text(*arguments, "--json")
        assert answer.code == 0, answer
        return answer.json

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
        command = [sys.executable, "-m", "rollbook.cli", *arguments, "--json"]
        with (self.folder / f"{arguments[0]}-{len(self._processes)}.log").open("w") as log:
            process = subprocess.Popen(
                command, env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )  # fmt: skip
        self._processes.append(process)
        return json.loads(first_document(process))

    def moodle(self) -> Any:
        """Another practice LMS beside the first one; its addresses."""
        return self._start("practice", "moodle", "--port", "0")

    def organization(self, slug: str, name: str, more: str = "") -> None:
        """An organization between the practice systems; or other settings for one that is there already."""
        file = self.folder / f"{slug}.yaml"
        file.write_text(CONNECTIONS.format(slug=slug, name=name, sis=self.sis, lms=self.lms) + more)
        self.rollbook("config", "import", str(file))

    def mapped(self) -> None:
        """The organization maple with everything mapped, synced once."""
        self.organization("maple", "Maple Valley", MAPPED)
        assert self.rollbook("sync", "maple")["state"] == "done"

    def lms_state(self, lms: Any = None) -> Any:
        """All that a practice LMS holds, by table."""
        with urlopen(f"{(lms or self.lms)['url']}/_practice/state", timeout=30) as answer:
            return json.load(answer)

    def sign_in(self, tab: Page, name: str, *invitation: str) -> None:
        """Accept a fresh invitation in the browser: a new account, signed in."""
        link = self.rollbook("admin", "invite", "--email", f"{name.split()[0].lower()}@example.org", *invitation)[
            "link"
        ]
        tab.goto(self.address + "/invitation/" + link.split("/invitation/")[1])
        tab.get_by_label("Name").fill(name)
        for box in tab.locator("input[type=password]").all():
            box.fill(PASSWORD)
        tab.get_by_role("button", name="Make the account and sign in").click()
        tab.wait_for_url("**/o/**")
