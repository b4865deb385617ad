"""Kills workers of a district's syncs and looks what became of it: the world, its runs, and the comparison."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.engine.pool import Pool
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from rollbook.store.database import is_shared
from rollbook.store.folder import DataFolder
from rollbook.store.models import LedgerVersionRow, Run
from rollbook.store.runs import stored_result
from rollbook.store.setup import setup

ROOT = Path(__file__).resolve().parents[1]
#: Bulk calls of one slice: what may be sent twice for a death.
CALLS_OF_A_SLICE = 1000 // 50
STAGES = ("extract", "stage", "check", "match", "resolve", "plan", "apply", "settle")
#: Before the plan is kept; two deaths in a row are survived there, the third one fails the run.
PLANNING = STAGES[:6]

_CONFIG = """
organization: {{slug: maple, name: Maple Valley, timezone: America/New_York}}
sis: {{connector: oneroster_rest, options: {{base_url: "{sis}/ims/oneroster/v1p1", token_url: "{sis}/token",
       key: practice, secret: practice}}}}
lms: {{connector: schoology, options: {{base_url: "{lms}/v1", key: practice, secret: practice, credits: 1000,
       timeout: {timeout}}}}}
active_year: 2027
schools: {{"*": create}}
terms: {{"*": {{"*": create}}}}
roles: {{"*": {{student: Student, teacher: Teacher, guardian: Parent, "*": skip}}}}
limits:
  remove: {{percent: 100, from: 100}}
  update: {{percent: 100, from: 100}}
  create: {{percent: 100, from: 100}}
"""


@dataclass
class World:
    """One organization between a practice SIS and a practice LMS over HTTP; its workers' `lease` is in seconds."""

    data: Path
    sis: str
    lms: str
    lease: float = 1.0
    timeout: float = 2.0
    folder: DataFolder = field(init=False)
    deaths: int = 0
    told: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = setup(self.data)
        text = _CONFIG.format(sis=self.sis, lms=self.lms, timeout=self.timeout)
        import_settings(text, name="killing", around=Surroundings({}, self.data), by="test")

    # --- working ------------------------------------------------------------------------------------------------------

    def run(self, *kills: dict[str, Any]) -> Run:
        """Sync, killing the worker at these moments one after the other; then let it end in this process."""
        run = request_run(org="maple", wanted=Wanted(), by="test")
        for kill in kills:
            code = self.worker(run, kill).wait(timeout=120)
            self.told.append(code == -signal.SIGKILL)
            self.deaths += self.told[-1]
            assert code in (0, -signal.SIGKILL), code
        short = mock.patch("rollbook.engine.pool.LEASE_SECONDS", self.lease)
        with short, Pool(self.folder, alone=not is_shared()) as pool:
            pool.work_until(lambda: Run.objects.get(pk=run.pk).ended)
        return Run.objects.get(pk=run.pk)

    def worker(self, run: Run, kill: dict[str, Any] | None = None) -> subprocess.Popen[bytes]:
        """A worker process that ends with the run, or dies."""
        asked = json.dumps({"data": str(self.data), "run": run.pk, "kill": kill})
        return subprocess.Popen(
            [sys.executable, "-m", "tests.killed_worker", asked], cwd=ROOT, stdin=subprocess.DEVNULL,
            env={**os.environ, "ROLLBOOK_LEASE_SECONDS": str(self.lease)},
        )  # fmt: skip

    def next_day(self, day: Path) -> None:
        self._ask(f"{self.sis}/_practice/load", {"directory": str(day), "vanish": "disappear"})

    # --- looking ------------------------------------------------------------------------------------------------------

    def state(self) -> Any:
        """Everything the LMS holds, by external codes."""
        return self._ask(f"{self.lms}/_practice/state")

    def writes(self) -> int:
        attempts = self._ask(f"{self.lms}/_practice/requests")["attempts"]
        return sum(number for call, number in attempts.items() if not call.startswith("GET"))

    def ledger_version(self) -> int:
        return LedgerVersionRow.objects.count()

    def seconds(self, run: Run) -> dict[str, float]:
        return stored_result(run).seconds

    @staticmethod
    def _ask(url: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data)) as answer:
            return json.loads(answer.read() or b"null")


@contextmanager
def world(folder: Path, day: Path, **settings: Any) -> Iterator[World]:
    """A fresh world on the first day, in the database that DATABASE_URL names, if it names one."""
    from django.db import connections

    allowed = mock.patch.dict(os.environ, {"ROLLBOOK_ALLOW_PRIVATE_HOSTS": "1"})
    with allowed, serve(create_sis(day, vanish="disappear")) as sis, serve(create_lms()) as lms:
        try:
            yield World(folder, sis.url, lms.url, **settings)
        finally:
            connections.close_all()


@dataclass(frozen=True)
class Quiet:
    """What an undisturbed run left: per day the LMS's state, the write calls, and how long each stage took."""

    states: Sequence[Any]
    writes: Sequence[int]
    seconds: Sequence[dict[str, float]]


def undisturbed(folder: Path, days: Sequence[Path]) -> Quiet:
    """Two days without any death."""
    states, writes, seconds = [], [], []
    with world(folder, days[0]) as quiet:
        for day in days:
            quiet.next_day(day)
            run = quiet.run()
            assert run.state == "done", (run.state, run.error)
            states.append(quiet.state())
            writes.append(quiet.writes())
            seconds.append(quiet.seconds(run))
    return Quiet(states, writes, seconds)


def differences(left: Any, right: Any) -> int:
    """How many objects of one state are not in the other one, or differ; a doubled one counts too."""
    number = 0
    for name in left.keys() | right.keys():
        mine, theirs = (sorted(map(json.dumps, each.get(name) or [])) for each in (left, right))
        number += 0 if mine == theirs else max(1, len(set(mine) ^ set(theirs)) or abs(len(mine) - len(theirs)))
    return number
