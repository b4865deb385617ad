"""The pool of a worker process: one running run an organization, takeover from the stored plan, nothing twice."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from rollbook.actions.actors import OPERATOR
from rollbook.actions.runs import Wanted, cancel_run, request_apply, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.memory.space import Space, forget, space
from rollbook.core.apply import Applier
from rollbook.engine.heart import Heart
from rollbook.engine.pool import Pool
from rollbook.engine.worker import Worker
from rollbook.errors import LeaseLost
from rollbook.pipeline import roster_run as river
from rollbook.store import workers
from rollbook.store.folder import DataFolder
from rollbook.store.lease import claim, claim_next
from rollbook.store.models import LedgerVersionRow, Run, SliceIntent, WorkerRow
from rollbook.store.summary import place_in_queue
from tests.cli.kit import SETTINGS, open_store
from tests.districts import small
from tests.staged import quick_runs

SLUGS = ("maple", "oak", "pine")


@pytest.fixture
def folder(tmp_path: Path, database: str) -> Iterator[DataFolder]:
    with open_store(tmp_path / "data") as found, quick_runs():
        yield found


@pytest.fixture
def spaces(folder: DataFolder, tmp_path: Path) -> Iterator[dict[str, Space]]:
    """Three organizations, each with the same small district and an empty LMS."""
    names = {slug: uuid.uuid4().hex for slug in SLUGS}
    for slug, name in names.items():
        space(name).rows.update(small().rows)
        text = SETTINGS.replace("SPACE", name).replace("slug: maple", f"slug: {slug}")
        import_settings(text, name=slug, around=Surroundings({}, tmp_path), by=OPERATOR)
    yield {slug: space(name) for slug, name in names.items()}
    for name in names.values():
        forget(name)


def ask(slug: str = "maple", **wanted: Any) -> Run:
    return request_run(org=slug, wanted=Wanted(**wanted), by=OPERATOR)


def work(folder: DataFolder, *runs: Run, alone: bool = True, most: int = 64) -> list[Run]:
    """Work the queue until these runs have ended."""
    wanted = [run.pk for run in runs]
    with Pool(folder, alone=alone, most=most) as pool:
        pool.work_until(lambda: all(run.ended for run in Run.objects.filter(pk__in=wanted)))
    return [Run.objects.get(pk=pk) for pk in wanted]


def test_runs_of_several_organizations_are_worked_side_by_side(folder: DataFolder, spaces: dict[str, Space]) -> None:
    ended = work(folder, *(ask(slug) for slug in SLUGS))
    assert [run.state for run in ended] == ["done"] * 3
    assert all(len(one.all("enrollment")) == 3 for one in spaces.values())
    assert not WorkerRow.objects.exists()
    assert not list(folder.work.iterdir())


def test_one_running_run_an_organization_and_the_place_is_shown(folder: DataFolder, spaces: dict[str, Space]) -> None:
    first, second, other = ask(), ask(dry_run=True), ask("oak")
    assert ask().pk == first.pk, "an equal queued run is used"
    assert [place_in_queue(run) for run in (first, second, other)] == [1, 2, 3]
    lease = claim_next("one")
    assert lease is not None
    assert lease.run == first.pk
    assert claim(second.pk, "two") is None
    later = claim_next("two")
    assert later is not None
    assert later.run == other.pk
    assert place_in_queue(Run.objects.get(pk=second.pk)) == 2
    assert place_in_queue(Run.objects.get(pk=first.pk)) is None


def interrupted(folder: DataFolder, run: Run, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Work a run and die when so many slices have been sent: the thread ends, the rows stay as they are."""
    heart = Heart("dead")
    workers.register("dead")
    lease = claim(run.pk, "dead")
    assert lease is not None
    heart.until = float("inf")
    sent = Applier._slice

    class Dead(BaseException):
        pass

    def dying(applier: Applier, part: Any, *rest: Any) -> Any:
        if part.number == after:
            raise Dead
        return sent(applier, part, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Applier, "_slice", dying)
        with pytest.raises(Dead):
            Worker(folder, heart).work(lease)


@pytest.mark.parametrize("apply_stored", [False, True])
def test_a_run_taken_over_goes_on_from_its_stored_plan(
    folder: DataFolder, spaces: dict[str, Space], monkeypatch: pytest.MonkeyPatch, apply_stored: bool
) -> None:
    if apply_stored:
        [planned] = work(folder, ask(dry_run=True), most=1)
        run = request_apply(run_id=planned.pk, by=OPERATOR)
    else:
        run = ask()
    interrupted(folder, run, monkeypatch, after=4)
    half = Run.objects.get(pk=run.pk)
    assert half.state == "running"
    assert half.plan is not None
    read: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(river, "plan_run", lambda *given: read.append(given))
        [ended] = work(folder, run)
    assert (ended.state, ended.takeovers) == ("done", 1)
    assert not read, "the SIS is not read again"
    assert ended.result["kinds"]["enrollment"]["done"] == 3
    assert len(spaces["maple"].all("enrollment")) == 3
    assert LedgerVersionRow.objects.count() == 1
    assert SliceIntent.objects.filter(run=run).count() == SliceIntent.objects.count()


def test_a_run_that_died_after_the_ledger_moved_ends_without_sending(
    folder: DataFolder, spaces: dict[str, Space], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ask()
    heart, calls = Heart("dead"), spaces["maple"]
    workers.register("dead")
    heart.until = float("inf")
    lease = claim(run.pk, "dead")
    assert lease is not None

    class Dead(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Dead

    with monkeypatch.context() as patch:
        patch.setattr(river, "remember_refusals", die)
        with pytest.raises(Dead):
            Worker(folder, heart).work(lease)
    assert LedgerVersionRow.objects.count() == 1
    before = calls.calls
    [ended] = work(folder, run)
    assert ended.state == "done"
    assert calls.calls == before
    assert LedgerVersionRow.objects.count() == 1
    [again] = work(folder, ask())
    assert all(counts["create"] == counts["update"] == 0 for counts in again.result["kinds"].values())


def test_a_closed_pool_has_no_open_connection(
    folder: DataFolder, spaces: dict[str, Space], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the thread of an ended run comes late to its end: nothing of the data folder's files changes then."""
    closed: list[str] = []

    class Late:
        def close(self) -> None:
            time.sleep(0.3)
            connection.close()
            closed.append(threading.current_thread().name)

    monkeypatch.setattr("rollbook.engine.pool.connection", Late())
    [ended] = work(folder, ask())
    assert ended.state == "done"
    assert closed == [f"run {ended.pk}"]


def test_the_former_owner_sends_nothing_more(folder: DataFolder, spaces: dict[str, Space]) -> None:
    run = ask()
    heart = Heart("sleeper")
    heart.start()
    try:
        lease = claim(run.pk, "sleeper")
        assert lease is not None
        from rollbook.core.protocols import Progress

        with heart.watch(lease, Progress()) as watch:
            watch.check()
            WorkerRow.objects.filter(pk="sleeper").delete()  # somebody took it for dead
            assert workers.requeue_orphans("other", ()) == [run.pk]
            heart.until = 0.0  # it wakes up: nothing goes out before it is known whose the run is
            with pytest.raises(LeaseLost):
                watch.check()
    finally:
        heart.stop()


def test_a_stopping_worker_hands_its_run_on(
    folder: DataFolder, spaces: dict[str, Space], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, applying, go_on = ask(), threading.Event(), threading.Event()
    sent = Applier._slice

    def slow(applier: Applier, *given: Any) -> Any:
        applying.set()
        go_on.wait(60)
        return sent(applier, *given)

    monkeypatch.setattr(Applier, "_slice", slow)
    with Pool(folder, alone=True) as pool:
        pool.tick()
        assert applying.wait(60)
        pool.heart.let_go()
        go_on.set()
    handed = Run.objects.get(pk=run.pk)
    assert (handed.state, handed.takeovers, handed.lease_owner) == ("queued", 0, "")
    [ended] = work(folder, run)
    assert ended.state == "done"
    assert len(spaces["maple"].all("user")) == 3


def test_a_cancelled_run_of_a_dead_worker_is_settled_and_cancelled(
    folder: DataFolder, spaces: dict[str, Space], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ask()
    interrupted(folder, run, monkeypatch, after=4)
    cancel_run(run_id=run.pk, by=OPERATOR)
    [ended] = work(folder, run)
    assert (ended.state, ended.settled) == ("cancelled", True)
    assert LedgerVersionRow.objects.count() == 1


def test_a_worker_without_beat_is_buried_and_its_run_goes_on(
    folder: DataFolder, spaces: dict[str, Space], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook.engine.pool.LEASE_SECONDS", 0.5)
    run = ask()
    interrupted(folder, run, monkeypatch, after=2)
    Run.objects.filter(pk=run.pk).update(lease_grace=0.2)
    [ended] = work(folder, run, alone=False)
    assert ended.state == "done"
    assert not WorkerRow.objects.exists()


def test_a_full_disk_is_named(folder: DataFolder, spaces: dict[str, Space], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(river, "write_plan", full)
        [failed] = work(folder, ask())
    assert (failed.state, failed.error_name) == ("failed", "DiskFull")
    assert "makes room" in failed.error_who
    assert "No space" not in failed.error
    [ended] = work(folder, ask())
    assert ended.state == "done"
