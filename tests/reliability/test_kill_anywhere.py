"""Workers killed with SIGKILL at any instant: the same end state, nothing twice, nothing lost (principle 4)."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from rollbook.actions.runs import cancel_run, request_apply, request_undo
from rollbook.store.models import Run
from tests.postgres import Server
from tests.reliability.campaign import Deaths, carry_out
from tests.reliability.nursery import Nursery
from tests.reliability.pair import until
from tests.reliability.world import Day, differences, duplicates, world


def test_killed_everywhere(tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery) -> None:
    """All named points, and once at random in each stage; the bench has more."""
    deaths = Deaths.everywhere(1)
    wanted = len(deaths)
    seen = carry_out(deaths, tmp_path, days, twin, nursery)
    assert seen.deaths.total() == wanted
    assert not seen.wrong()


def test_killed_on_postgresql(
    tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery, postgres_server: Server
) -> None:
    chosen = ["extract", "intent committed, nothing sent", "answered, no outcome", "apply",
              "after the ledger pointer", "settled, not ended"]  # fmt: skip
    seen = carry_out(Deaths(chosen), tmp_path, days, twin, nursery, [postgres_server.create])
    assert sorted(seen.deaths.elements()) == sorted(chosen)
    assert not seen.wrong()


def test_a_call_of_the_dead_that_arrives_late_makes_nothing_twice(
    tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery
) -> None:
    with world(tmp_path / "data", days[0], nursery, timeout=5.0) as org:
        org.faults({"name": "slow", "seconds": 4.5, "method": "POST", "path": "/v1/schools", "times": 1})
        run = org.request()
        _, died = org.work(run, kill={"stage": "apply", "after": 0.7})
        dead_at = time.monotonic()
        run, _ = org.finish(run)
        assert died == "apply"
        time.sleep(max(0.0, dead_at + 5.0 - time.monotonic()))  # by now it has arrived
        assert run.state == "done"
        assert duplicates(org.state()) == 0
        assert differences(org.state(), twin[0].state) == 0


def test_a_stored_plan_and_an_undo_are_carried_on(
    tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery
) -> None:
    deaths = [{"point": "outcome, nothing after it", "number": 2}, {"point": "after the ledger pointer", "number": 1}]
    left = {}
    for name, kills in (("quiet", []), ("killed", deaths)):
        with world(tmp_path / name, days[0], nursery) as org:
            planned, _ = org.finish(org.request(dry_run=True))
            applied, died = org.finish(request_apply(run_id=planned.pk, by="test"), *kills)
            assert (applied.state, len(died)) == ("done", len(kills))
            assert differences(org.state(), twin[0].state) == 0
            org.load(days[1])
            changed, _ = org.sync()
            undone, died = org.finish(request_undo(run_id=changed.pk, by="test"), *kills)
            assert (undone.state, len(died)) == ("done", len(kills)), undone.error
            left[name] = org.state()
            assert not org.left_behind()
    assert differences(left["killed"], left["quiet"]) == 0
    assert differences(left["quiet"], twin[1].state) > 0


def test_a_cancelled_run_of_a_dead_worker(tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery) -> None:
    with world(tmp_path / "data", days[0], nursery) as org:
        run = org.request()
        org.work(run, kill={"point": "answered, no outcome", "number": 3})
        assert not Run.objects.get(pk=run.pk).settled
        cancel_run(run_id=run.pk, by="test")
        run, _ = org.finish(run)
        assert (run.state, run.settled) == ("cancelled", True)
        assert not org.left_behind()
        org.sync()
        assert differences(org.state(), twin[0].state) == 0


def test_killed_while_it_was_breaking_off(tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery) -> None:
    """What was sent is in the ledger, the rest is not: such a run is not called done by whoever goes on with it."""
    with world(tmp_path / "data", days[0], nursery) as org:
        org.faults({"name": "forbidden", "method": "POST", "after": 5})
        run, died = org.sync({"point": "after the ledger pointer", "number": 1})
        assert died == ["after the ledger pointer"]
        assert (run.state, run.error_name) == ("failed", "StalePlan")
        assert "plan again" in run.error
        org.faults()
        org.sync()
        assert differences(org.state(), twin[0].state) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_told_to_stop(tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery, number: int) -> None:
    """A worker that is told to stop hands its run on; that is no takeover, and costs no call."""
    with world(tmp_path / "data", days[0], nursery) as org:
        org.faults({"name": "slow", "seconds": 0.3, "method": "POST"})
        run = org.request()
        worker = org.start(run)
        until(lambda: org.writes() > 2)
        worker.kill(number)
        assert worker.wait() == 0
        run = Run.objects.get(pk=run.pk)
        assert (run.state, run.takeovers, run.lease_owner) == ("queued", 0, "")
        org.faults()
        run, _ = org.finish(run)
        assert run.state == "done"
        assert differences(org.state(), twin[0].state) == 0
        assert org.writes() <= twin[0].writes + twin[0].slice_calls
