"""A small district on real HTTP between a practice SIS and a practice LMS, both of this process, whose faults can be
switched on; it can be set back to the end of its first day any number of times. Judges nothing."""

from __future__ import annotations

import copy
import json
import shutil
import sqlite3
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from rollbook.connectors.base import Context
from rollbook.connectors.kit import parse as parse_options
from rollbook.connectors.registry import connector
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.errors import RollbookError, known_name
from rollbook.pipeline import roster_run
from rollbook.pipeline.roster_run import Request
from rollbook.practice.district import generate
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from rollbook.roster.lms import KINDS
from rollbook.roster.settings import parse
from rollbook.testing.world import MemoryWorld, NeverCancelled
from tests.staged import quick_runs

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
#: Records of one page of the SIS: users come in two, enrollments in several.
PAGE = 40
PATHS = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}
SETTINGS = {
    "organization": {"slug": "maple", "name": "Maple Valley"},
    "sis": {"connector": "oneroster_rest"},
    "lms": {"connector": "schoology"},
    "active_year": "2027",
    "schools": {"*": "create"},
    "terms": {"*": {"*": "create"}},
    "roles": {"*": {"student": "Student", "teacher": "Teacher", "guardian": "Parent", "parent": "Parent", "*": "skip"}},
    "limits": {"update": {"percent": 75, "from": 10}},  # a small district's
}
#: What the LMS holds, by the keys of its records.
State = dict[str, Any]
#: By what a record of the LMS is known from one state to the next.
_KEYS = {
    "buildings": "building_code", "grading_periods": "title", "users": "school_uid", "courses": "course_code",
    "sections": "section_school_code",
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a run ended. `words` are those a person reads: the error's, or why something is held."""

    state: str
    words: str
    error: str = ""
    who: str = ""
    result: RunResult | None = None

    def __str__(self) -> str:
        return f"{self.state}: {self.error} {self.words}".strip()


class FaultWorld:
    """One organization at the end of its first day; `reset` brings it back there."""

    def __init__(self, folder: Path, days: Sequence[Path], sis: Any, lms: Any, *, version: str) -> None:
        """`sis` and `lms` are running practice systems with their apps."""
        self._folder, self._days, self._version = folder, days, version
        self._sis, self._lms = sis, lms
        self._kept = sqlite3.connect(":memory:", check_same_thread=False)
        self._turn = 0
        self.memory = MemoryWorld(folder / "memory")
        self._unsettled: StoredPlan | None = None
        self.first = self.run()
        self._lms.app.state.lms.store._db.backup(self._kept)
        self._saved = copy.deepcopy(self._remembered())

    def _remembered(self) -> dict[str, Any]:
        world = self.memory
        names = ("passwords", "permits", "memory", "pins", "runs", "journals")
        return {name: getattr(world, name) for name in names} | {"version": world.ledger.version}

    def as_before(self) -> bool:
        """Is everything that is remembered as it was at the end of day 1?"""
        ours, saved = self.memory, self._saved
        return (ours.ledger.version, ours.memory.stored, self._unsettled) == (
            saved["version"], saved["memory"].stored, None,
        )  # fmt: skip

    def reset(self, day: int = 2) -> None:
        """Back to the end of day 1, without faults, in a SIS that shows this day."""
        self.lift()
        self._kept.backup(self._lms.app.state.lms.store._db)
        saved = copy.deepcopy(self._saved)
        self.memory.ledger.version = saved.pop("version")
        for name, value in saved.items():
            setattr(self.memory, name, value)
        self._unsettled = None
        _tell(self._sis.url, "load", {"directory": str(self._days[0])})
        if day > 1:
            _tell(self._sis.url, "load", {"directory": str(self._days[day - 1])})

    def faults(self, *, sis: Sequence[str] = (), lms: Sequence[str] = ()) -> None:
        """These faults, and no others."""
        for system, names in ((self._sis, sis), (self._lms, lms)):
            _tell(system.url, "faults", {"clear": True, "on": list(names)})

    def lift(self) -> None:
        self.faults()

    def run(self, *, compare_live: bool = False, **options: Any) -> Ended:
        """One roster run, and what the engine does when it breaks off. `options` are those of the SIS's connector."""
        self._turn += 1
        sis = self._sis.url
        given = {"base_url": sis + PATHS[self._version], "token_url": f"{sis}/token", "key": "practice",
                 "secret": "practice", "timeout": 5.0, "page_size": PAGE} | options  # fmt: skip
        own = {"base_url": f"{self._lms.url}/v1", "key": "practice", "secret": "practice", "timeout": 5.0,
               "credits": 1000, "window": 0.001, "page_size": 20}  # fmt: skip
        try:
            source = _made("oneroster_rest", "source", given, self._folder / f"sis-{self._turn}")
            target = _made("schoology", "target", own, self._folder / f"lms-{self._turn}")
        except RollbookError as error:
            return Ended("failed", str(error), known_name(error), error.who)
        try:
            with quick_runs():
                return self._carry_out(source, target, compare_live=compare_live)
        finally:
            source.close()
            target.close()
            for path in self.memory.folder.glob("run-*"):
                shutil.rmtree(path)

    def _carry_out(self, source: Any, target: Any, *, compare_live: bool) -> Ended:
        if self._unsettled is not None:
            self._settle(target, self._unsettled)
        plans: list[StoredPlan] = []

        def step(name: str, work: Callable[[], Any]) -> Any:
            done = work()
            if name == "store":
                plans.append(done)
            return done

        world = self.memory.world(source, target)
        try:
            result = roster_run.roster_run(self._request(compare_live=compare_live), world, step)
        except RollbookError as error:
            if plans:
                self._unsettled = plans[0]
                self._settle(target, plans[0])
            return Ended("failed", str(error), known_name(error), error.who)
        why = [f"{name}: {reason}" for name, reason in result.verdicts.items()]
        why += result.doubts.values()
        why += [f"{hold.reason} {hold.action} {hold.kind}" for hold in result.holds]
        return Ended(result.state, "; ".join(why), result=result)

    def _settle(self, target: Any, plan: StoredPlan) -> None:
        world = self.memory.world(None, target, journal_of=self.memory.runs)
        self.memory.runs -= 1
        roster_run.finish(self._request(), world, plan, lambda name, work: work())
        self._unsettled = None

    def _request(self, *, compare_live: bool = False) -> Request:
        return Request(
            run_id=f"run-{self.memory.runs}", settings=parse(SETTINGS), settings_digest="settings",
            kinds=tuple(KINDS), now=NOW, compare_live=compare_live,
        )  # fmt: skip

    def state(self) -> State:
        with urllib.request.urlopen(f"{self._lms.url}/_practice/state") as answer:
            return dict(json.load(answer))


@contextmanager
def fault_world(folder: Path, *, version: str = "1.1", students: int = 40, change: float = 0.2) -> Iterator[FaultWorld]:
    """A district of so many students whose first day is in the LMS."""
    days = generate(folder / "district", students=students, seed=3, days=2, version=version, change=change)
    sis, lms = create_sis(days[0], version=version), create_lms()
    with serve(sis) as sis_running, serve(lms) as lms_running:
        systems = [mock.Mock(url=running.url, app=app) for running, app in ((sis_running, sis), (lms_running, lms))]
        yield FaultWorld(folder, days, *systems, version=version)


def _made(name: str, side: str, options: dict[str, Any], work: Path) -> Any:
    found = connector(name)
    work.mkdir(parents=True, exist_ok=True)
    context = Context(work=work, cancel=NeverCancelled(), count=lambda attempts=1, /: None, allow_private_hosts=True)
    return getattr(found, side)(parse_options(found.options, options), context)


def _tell(url: str, what: str, body: dict[str, Any]) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{url}/_practice/{what}", json.dumps(body).encode())).close()


def missing(before: State, after: State) -> set[tuple[str, ...]]:
    """What was there before and is not there after, by kind and keys; places in buildings count as things too."""
    return _things(before) - _things(after)


def _things(state: State) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = {(kind, str(record[name])) for kind, name in _KEYS.items() for record in state[kind]}
    found |= {("link", *map(str, link)) for link in state["links"]}
    found |= {("enrollment", section, user) for section, user, *_ in state["enrollments"]}
    for user in state["users"]:
        places = {user["building"], *user["additional_buildings"]}
        found |= {("place", user["school_uid"], str(place)) for place in places}
        found |= {("active", user["school_uid"])} if user["active"] else set()
    return found
