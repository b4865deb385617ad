"""Takeovers at awkward moments: by the same process, while it stops, while somebody cancels, after settling began."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from rollbook.actions import runs as actions
from rollbook.actions.actors import OPERATOR
from rollbook.actions.runs import Wanted, cancel_run, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.memory.space import forget, space
from rollbook.core.apply import Applier
from rollbook.core.protocols import Progress, Refusal
from rollbook.engine.heart import Heart
from rollbook.engine.pool import Pool
from rollbook.engine.trouble import silence, told
from rollbook.errors import DiskFull, LeaseLost
from rollbook.store import workers
from rollbook.store.folder import DataFolder
from rollbook.store.lease import Lease, claim
from rollbook.store.memory import StoredMemory
from rollbook.store.models import Run, WorkerRow
from rollbook.store.runs import give_up
from rollbook.store.scratch import drop_ended, drop_scratch, scratch_of
from tests.cli.kit import SETTINGS, open_store
from tests.districts import small


@pytest.fixture
def folder(tmp_path: Path):
    with open_store(tmp_path / "data") as found:
        yield found


@pytest.fixture
def run(folder: DataFolder, tmp_path: Path):
    """A queued run of an organization in memory."""
    space("takeover").rows.update(small().rows)
    text = SETTINGS.replace("SPACE", "takeover")
    import_settings(text, name="maple", around=Surroundings({}, tmp_path), by=OPERATOR)
    yield request_run(org="maple", wanted=Wanted(), by=OPERATOR)
    forget("takeover")


def taken(run: Run, owner: str = "one") -> Lease:
    lease = claim(run.pk, owner)
    assert lease is not None
    return lease


def test_a_process_takes_its_own_run_over(folder: DataFolder, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken for dead; its former thread ends while the new one works, and takes nothing along."""
    sent, gates = Applier._slice, [threading.Event(), threading.Event()]
    reached = [threading.Event(), threading.Event()]
    waiting = iter(zip(reached, gates, strict=True))

    def slow(applier: Applier, part: Any, *rest: Any) -> Any:
        if part.number == 2 and (mine := next(waiting, None)):
            mine[0].set()
            assert mine[1].wait(60)
        return sent(applier, part, *rest)

    monkeypatch.setattr(Applier, "_slice", slow)
    with Pool(folder, alone=False) as pool:
        pool.tick()
        assert reached[0].wait(60)
        WorkerRow.objects.filter(pk=pool.owner).delete()
        pool.heart.until = 0.0
        assert workers.requeue_orphans("another", ()) == [run.pk]
        pool.tick()
        assert pool.busy == 1, "it claims nothing before it knows whether it is taken for dead"
        pool.work_until(reached[1].is_set)
        assert pool.busy == 2
        gates[0].set()
        pool.work_until(lambda: pool.busy == 1)
        pool._reap_at = 0.0
        pool.tick()
        again = Run.objects.get(pk=run.pk)
        assert (again.state, again.takeovers) == ("running", 1)
        gates[1].set()
        pool.work_until(lambda: Run.objects.get(pk=run.pk).ended)
    assert Run.objects.get(pk=run.pk).state == "done"
    assert not list(folder.work.iterdir())


def test_a_run_that_begins_while_the_worker_stops_stops_as_well(folder: DataFolder, run: Run) -> None:
    heart = Heart("one")
    heart.let_go()
    heart.until = float("inf")
    with heart.watch(taken(run), Progress()) as watch, pytest.raises(LeaseLost):
        watch.check()


def test_cancelling_overwrites_nothing(folder: DataFolder, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker keeps its plan between the look and the wish."""
    find = actions.find_run

    def find_and_go_on(run_id: str, *, lock: bool = False) -> Run:
        taken(find(run_id))
        found = find(run_id, lock=lock)
        Run.objects.filter(pk=run_id).update(plan={"digest": "kept"})
        return found

    monkeypatch.setattr(actions, "find_run", find_and_go_on)
    cancel_run(run_id=run.pk, by=OPERATOR)
    after = Run.objects.get(pk=run.pk)
    assert (after.plan, after.state, after.cancel_requested) == ({"digest": "kept"}, "running", True)


def test_a_run_that_is_interrupted_again_and_again_names_its_stage(folder: DataFolder, run: Run) -> None:
    """The system ends the worker each time, before anything is stored."""
    for number in range(3):
        assert Run.objects.get(pk=run.pk).state == "queued"
        lease = taken(run, f"worker {number}")
        workers.show_progress({lease: {"stage": "plan", "done": 0, "total": None, "note": ""}})
        assert workers.requeue_orphans("another", ()) == [run.pk]
    ended = Run.objects.get(pk=run.pk)
    assert (ended.state, ended.error_name, ended.takeovers) == ("failed", "Interrupted", 3)
    assert "3 times without getting any further, the last time in the stage 'plan'" in ended.error
    assert "for want of memory" in ended.error
    assert ended.error_who.startswith("the operator of this server")


@pytest.mark.rule(27)
def test_refusals_are_counted_once_a_run(folder: DataFolder, run: Run) -> None:
    memory = StoredMemory(taken(run))

    def refused(runs: int) -> list[Refusal]:
        return [Refusal("user", "sam", "digest", "no", runs, datetime(2026, 9, 1, tzinfo=UTC), None)]

    memory.replace_refusals(["user"], refused(1), run="first")
    memory.replace_refusals(["user"], refused(2), run="first")
    assert [one.runs for one in memory.refusals()] == [1]
    memory.replace_refusals(["user"], refused(2), run="second")
    assert [one.runs for one in memory.refusals()] == [2]


def test_each_lease_has_a_scratch_folder_of_its_own(folder: DataFolder, run: Run) -> None:
    first = taken(run)
    page = scratch_of(folder, first) / "page"
    page.touch()
    give_up(first)
    second = taken(run, "two")
    later = scratch_of(folder, second) / "page"
    assert later.exists(), "what was read is not read again"
    assert not page.exists(), "a woken worker does not find it any more"
    former = scratch_of(folder, first)
    assert former != later.parent
    assert later.exists(), "a woken worker that settles takes nothing of its successor"
    drop_scratch(folder, run.pk, first.epoch)
    drop_ended(folder)
    assert [one.name for one in folder.work.iterdir()] == [f"{run.pk}-{second.epoch}"]
    Run.objects.update(state="failed")
    drop_ended(folder)
    assert not list(folder.work.iterdir())


def test_the_scratch_folder_of_a_settled_run_goes(folder: DataFolder, run: Run) -> None:
    with Pool(folder, alone=True) as pool:
        pool.work_until(lambda: Run.objects.get(pk=run.pk).ended)
    Run.objects.filter(pk=run.pk).update(state="failed", settled=False)
    (folder.work / f"{run.pk}-1").mkdir()
    later = request_run(org="maple", wanted=Wanted(dry_run=True), by=OPERATOR)
    with Pool(folder, alone=True) as pool:
        pool.work_until(lambda: Run.objects.get(pk=later.pk).ended)
    assert Run.objects.get(pk=run.pk).settled
    assert not list(folder.work.iterdir())


def test_a_database_on_a_full_disk_is_a_full_disk() -> None:
    full = OperationalError("database or disk is full")
    assert isinstance(told(full, "run"), DiskFull)
    assert "full" in silence(full)
    assert "full" not in silence(OperationalError("the server closed the connection"))
