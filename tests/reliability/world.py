"""One organization between a practice SIS and a practice LMS over HTTP, worked by processes that may be killed; and the
comparison of what they leave behind with an undisturbed twin."""

from __future__ import annotations

import json
import os
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from rollbook.store.folder import DataFolder
from rollbook.store.models import LedgerVersionRow, Run
from rollbook.store.runs import stored_plan, stored_result
from rollbook.store.setup import setup
from tests.cli.kit import place_tables
from tests.reliability.nursery import Nursery, Worker

#: What of a row is enough to tell that an object is there twice.
IDENTITY: Final = {
    "buildings": ("building_code", "title"), "grading_periods": ("title", "start", "end"), "users": ("school_uid",),
    "courses": ("course_code",), "sections": ("section_school_code",),
}  # fmt: skip
#: LMS records of one call.
BULK: Final = 50

_SETTINGS = """
organization: {{slug: {slug}, name: Maple Valley, timezone: America/New_York}}
sis: {{connector: oneroster_rest, options: {{base_url: "{sis}/ims/oneroster/v1p1", token_url: "{sis}/token",
       key: practice, secret: practice}}}}
lms: {{connector: schoology, options: {{base_url: "{lms}/v1", key: practice, secret: practice, credits: 1000,
       timeout: {timeout}}}}}
active_year: 2027
schools: {{"*": create}}
terms: {{"*": {{"*": create}}}}
roles: {{"*": {{student: Student, teacher: Teacher, guardian: Parent, parent: Parent, "*": skip}}}}
limits: {{remove: {{percent: 100, from: 1}}, update: {{percent: 100, from: 1}}, create: {{percent: 100, from: 1}}}}
"""


@dataclass(kw_only=True)
class World:
    """`timeout` (seconds) is that of a call to the LMS."""

    data: Path
    sis: str
    lms: str
    nursery: Nursery
    timeout: float = 2.0
    slug: str = "maple"
    folder: DataFolder = field(init=False)

    def __post_init__(self) -> None:
        place_tables(self.data)
        self.folder = setup(self.data)
        text = _SETTINGS.format(slug=self.slug, sis=self.sis, lms=self.lms, timeout=self.timeout)
        import_settings(text, name="settings", around=Surroundings({}, self.data), by="test")

    # --- working ------------------------------------------------------------------------------------------------------

    def request(self, **wanted: Any) -> Run:
        return request_run(org=self.slug, wanted=Wanted(**wanted), by="test")

    def work(self, run: Run, **more: Any) -> tuple[int, str]:
        """Let one worker work until this run has ended or the worker has died: exit code, and where it died."""
        worker = self.start(run, **more)
        code = worker.wait()
        return code, worker.death()

    def start(self, *runs: Run, nursery: Nursery | None = None, **more: Any) -> Worker:
        """A worker that works until these runs have ended."""
        environment = {name: os.environ[name] for name in ("DATABASE_URL",) if name in os.environ}
        wanted = [run.pk for run in runs]
        return (nursery or self.nursery).start(self.data, wanted, environment=environment, **more)

    def sync(self, *kills: dict[str, Any]) -> tuple[Run, list[str]]:
        """A run whose workers die in these ways one after the other; where each died, as far as it came to that."""
        return self.finish(self.request(), *kills)

    def finish(self, run: Run, *kills: dict[str, Any]) -> tuple[Run, list[str]]:
        deaths = []
        for kill in kills:
            code, where = self.work(run, kill=kill)
            assert code == (-9 if where else 0), (code, where)
            deaths += [where] if where else []
            if not where:
                break
        else:
            code, _ = self.work(run)
            assert code == 0, code
        return Run.objects.get(pk=run.pk), deaths

    def load(self, day: Path) -> None:
        ask(f"{self.sis}/_practice/load", {"directory": str(day), "vanish": "disappear"})

    def faults(self, *on: dict[str, Any]) -> None:
        """These faults of the LMS and no others."""
        ask(f"{self.lms}/_practice/faults", {"clear": True, "on": list(on)})

    # --- looking ------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the LMS holds, by external codes."""
        return dict(ask(f"{self.lms}/_practice/state"))

    def writes(self) -> int:
        """Write calls that the LMS was ever sent."""
        attempts = ask(f"{self.lms}/_practice/requests")["attempts"]
        return sum(number for call, number in attempts.items() if not call.startswith("GET"))

    def versions(self) -> int:
        return LedgerVersionRow.objects.filter(organization__slug=self.slug).count()

    def left_behind(self) -> list[str]:
        """What should not be there once a run has ended."""
        return sorted(path.name for path in self.folder.work.iterdir())


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data)) as answer:
        return json.loads(answer.read() or b"null")


@contextmanager
def world(data: Path, day: Path, nursery: Nursery, *, url: str = "", timeout: float = 2.0) -> Iterator[World]:
    """A fresh one, in SQLite or in the PostgreSQL database of this `url`. Calls to the LMS that take longer than
    `timeout` are given up; while it is short, dead workers are noticed soon."""
    with in_database(url), serve(create_sis(day, vanish="disappear")) as sis, serve(create_lms()) as lms:
        yield World(data=data, sis=sis.url, lms=lms.url, nursery=nursery, timeout=timeout)


@contextmanager
def in_database(url: str) -> Iterator[None]:
    """What follows, in this process and in workers, works in this database."""
    from django.db import connections

    before = os.environ.pop("DATABASE_URL", None)
    if url:
        os.environ["DATABASE_URL"] = url
    try:
        yield
    finally:
        connections.close_all()
        os.environ.pop("DATABASE_URL", None)
        if before is not None:
            os.environ["DATABASE_URL"] = before


@dataclass(frozen=True)
class Day:
    """What an undisturbed run of that day left and took."""

    state: dict[str, Any]
    writes: int
    slice_calls: int
    seconds: dict[str, float]


def undisturbed(data: Path, days: Sequence[Path], nursery: Nursery) -> list[Day]:
    """The twin: the same days without any death."""
    found = []
    with world(data, days[0], nursery) as twin:
        for day in days:
            twin.load(day)
            before = twin.writes()
            run, _ = twin.sync()
            assert run.state == "done", (run.state, run.error)
            found.append(Day(twin.state(), twin.writes() - before, slice_calls(run), stored_result(run).seconds))
    return found


def slice_calls(run: Run) -> int:
    """Calls of the run's largest slice: what may be sent again for one death."""
    plan = stored_plan(run)
    assert plan is not None
    singles = ("building", "grading_period")
    return max((-(-min(g.count, g.slice_size) // (1 if g.kind in singles else BULK)) for g in plan.groups), default=0)


def differences(mine: dict[str, Any], theirs: dict[str, Any]) -> int:
    """Objects of one state that are not in the other, or are there in another way or number."""
    rows, others = Counter(_rows(mine)), Counter(_rows(theirs))
    return ((rows - others) + (others - rows)).total()


def duplicates(state: dict[str, Any]) -> int:
    """Objects that are there more than once."""
    seen: Counter[tuple[Any, ...]] = Counter()
    for name, fields in IDENTITY.items():
        seen.update((name, *(row[each] for each in fields)) for row in state[name])
    seen.update(("enrollments", section, user) for section, user, *_ in state["enrollments"])
    seen.update(("links", *row) for row in state["links"])
    return sum(number - 1 for number in seen.values())


def _rows(state: dict[str, Any]) -> Iterator[str]:
    for name, rows in state.items():
        for row in rows.items() if isinstance(rows, dict) else rows:
            yield f"{name} {json.dumps(row, sort_keys=True)}"
