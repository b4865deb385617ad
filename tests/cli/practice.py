"""What the tests of bad input share: practice systems in this process, settings for them, and a few questions."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from rollbook.roster.lms import ACTIONS
from tests.cli.kit import Answer, Command, place_tables

SETTINGS = """
organization: {slug: maple, name: Maple Valley, timezone: America/New_York}
sis: SIS
lms: {connector: schoology, options: {base_url: "LMS/v1", key: practice, secret: practice, credits: 1000, timeout: 5}}
active_year: 2027
schools: {"*": create}
terms: {"*": {"*": create}}
roles: {"*": {student: Student, teacher: Teacher, "*": skip}}
"""
WRITES = (*ACTIONS, "held", "waiting", "refused", "unknown")


class District:
    """One organization whose LMS is a practice LMS; its SIS is a folder, a zip, or a practice SIS."""

    def __init__(self, rollbook: Command, folder: Path, lms: str) -> None:
        self.rollbook, self.lms = rollbook, lms
        self.settings = folder / "maple.yaml"

    def reads(self, path: Path) -> None:
        """The SIS is this folder or zip from now on."""
        self._import(f'{{connector: oneroster_csv, options: {{path: "{path}"}}}}')

    def asks(self, sis: str, **options: Any) -> None:
        """The SIS is this practice SIS from now on."""
        given = {"base_url": f"{sis}/ims/oneroster/v1p1", "token_url": f"{sis}/token", "key": "practice",
                 "secret": "practice", "timeout": 5.0, **options}  # fmt: skip
        self._import(json.dumps({"connector": "oneroster_rest", "options": given}))

    def _import(self, sis: str) -> None:
        self.settings.write_text(SETTINGS.replace("SIS", sis).replace("LMS", self.lms))
        self.rollbook("config", "import", str(self.settings), schema="config-import")

    def sync(self, code: int = 0) -> dict[str, Any]:
        return dict(self.rollbook("sync", "maple", code=code))

    def state(self) -> dict[str, Any]:
        """All that the LMS holds, by external codes."""
        with urllib.request.urlopen(f"{self.lms}/_practice/state") as answer:
            return dict(json.load(answer))

    def faults(self, *names: str) -> None:
        """These faults of the LMS, and no others."""
        tell(self.lms, names)


def tell(system: str, faults: Sequence[str] = ()) -> None:
    body = json.dumps({"clear": True, "on": list(faults)}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{system}/_practice/faults", body)).close()


@contextmanager
def practice_sis(folder: Path, *faults: str) -> Iterator[str]:
    """The address of a practice SIS that serves this folder."""
    with serve(create_sis(folder, faults=faults)) as running:
        yield running.url


def quiet(run: dict[str, Any]) -> bool:
    """Nothing to do, nothing left over."""
    return all(not counts[word] for counts in run["kinds"].values() for word in WRITES)


def check_words(answer: Answer, *, secret: str = "practice-secret") -> None:
    """An error for people: one sentence, who must act, no traceback, no secret."""
    text = answer.out + answer.err
    assert "Traceback" not in text
    assert secret not in text
    assert "Who must act" in text, text


@contextmanager
def a_district(folder: Path) -> Iterator[District]:
    """An empty practice LMS, a data folder, and leave to talk to this machine."""
    with pytest.MonkeyPatch.context() as patch, serve(create_lms()) as lms:
        patch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
        place_tables(folder / "data")
        yield District(Command(folder / "data"), folder, lms.url)


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    with a_district(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory, days: list[Path]) -> Iterator[District]:
    """Day 1 is in the LMS. Shared, because every test that takes it proves that the LMS is as it was."""
    with a_district(tmp_path_factory.mktemp("synced")) as found:
        found.reads(days[0])
        found.sync()
        yield found
