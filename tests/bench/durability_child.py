"""Applies one stored plan, with the engine or with nothing behind it, and tells how long it took."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rollbook.actions.runs import Wanted, request_apply, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.memory import CONNECTOR
from rollbook.core.apply import Applier
from rollbook.core.duck import connect
from rollbook.core.ledger_files import load
from rollbook.core.plan import PlanReader, slices
from rollbook.core.protocols import LedgerVersion, Progress
from rollbook.core.references import References
from rollbook.core.stored import StoredPlan
from rollbook.engine.waiting import work_until_ended
from rollbook.practice.district import generate
from rollbook.roster.changes import Outcome
from rollbook.store.folder import DataFolder
from rollbook.store.models import Run
from rollbook.store.runs import stored_plan, stored_result
from rollbook.store.setup import setup
from rollbook.testing.world import FolderBlobs, MemoryJournal, NeverCancelled
from tests.bench.river import context

SLICE = 994  # the most that 1,000 allows with bulk calls of 7
SETTINGS = """
organization: {{slug: bench, name: Bench}}
sis: {{connector: oneroster_csv, options: {{path: {day}}}}}
lms: {{connector: memory, options: {{space: bench, key: memory, slice_size: {slice}}}}}
active_year: "2027"
schools: {{"*": create}}
terms: {{"*": {{"*": create}}}}
roles: {{"*": {{student: Student, teacher: Teacher, guardian: Parent, parent: Parent, "*": skip}}}}
users: {{passwords: none}}
"""


class NoJournal(MemoryJournal):
    """Forgets at once."""

    def record(self, number: int, outcomes: Sequence[Outcome]) -> None:
        pass


def main(what: str, work: str, students: int = 0) -> dict[str, Any]:
    folder = Path(work)
    if what == "prepare":
        return _prepare(folder, students)
    return _bare(folder) if what == "bare" else _engine(folder)


def _prepare(work: Path, students: int) -> dict[str, Any]:
    [day] = generate(work / "district", students=students, seed=1)
    opened = setup(work / "data")
    text = SETTINGS.format(day=day, slice=SLICE)
    import_settings(text, name="the bench's settings", around=Surroundings({}, work), by="bench")
    run = work_until_ended(opened, request_run(org="bench", wanted=Wanted(dry_run=True), by="bench").pk)
    return {"state": run.state, "changes": sum(group.count for group in _plan(run).groups)}


def _engine(work: Path) -> dict[str, Any]:
    """A copy of the data folder, so that every time is the first time."""
    copy = work / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(work / "data", copy)
    opened = setup(copy)
    run = work_until_ended(opened, request_apply(run_id=_planned().pk, by="bench").pk)
    assert run.state == "done", run.error
    seconds = stored_result(run).seconds
    return {"apply": seconds["apply"], "settle": seconds["settle"], "slices": run.outcomes.count()}


def _bare(work: Path) -> dict[str, Any]:
    setup(work / "data")
    plan, blobs = _plan(_planned()), FolderBlobs(work / "none")
    assert CONNECTOR.target is not None
    target = CONNECTOR.target(CONNECTOR.options(space="bench", slice_size=SLICE), context(work / "lms"))
    with connect() as db:
        load(db, LedgerVersion(0, {}), blobs)
        started = time.perf_counter()
        Applier(
            target=target,
            reader=PlanReader(db, plan, _Stored(DataFolder(work / "data"))),
            journal=NoJournal(),
            references=References(db),
            cancel=NeverCancelled(),
            progress=Progress(),
        ).run(plan)
        return {"apply": time.perf_counter() - started, "slices": sum(1 for _ in slices(plan))}


class _Stored(FolderBlobs):
    """The plan's files, where the data folder has them."""

    def __init__(self, folder: DataFolder) -> None:
        self._root = folder.blobs

    def get(self, key: str, what: str = "a file") -> Path:
        return self._root / key[:2] / key


def _planned() -> Run:
    return Run.objects.get(dry_run=True)


def _plan(run: Run) -> StoredPlan:
    plan = stored_plan(run)
    assert plan is not None
    return plan


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
