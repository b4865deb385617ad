"""Two workers on one PostgreSQL: one is killed in the middle of sending, the other one frozen, robbed of its run, and
woken. Part of `reliability`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rollbook.actions.runs import Wanted, request_run
from rollbook.store.models import Run
from tests.bench.measure import figure
from tests.killing import CALLS_OF_A_SLICE, Quiet, World, differences, world
from tests.postgres import Server

_LEASE, _TIMEOUT = 6.0, 20.0  # the defaults


def frozen(folder: Path, day: Path, quiet: Quiet, server: Server, *, seconds: float) -> list[dict[str, Any]]:
    """`seconds` is how long the second worker stays frozen after its run was taken over."""
    os.environ["DATABASE_URL"] = server.create()
    lease, timeout = (_LEASE, _TIMEOUT) if seconds > 10 else (1.0, 2.0)
    try:
        with world(folder, day, lease=lease, timeout=timeout) as org:
            return _kill_and_freeze(org, quiet, seconds)
    finally:
        os.environ.pop("DATABASE_URL", None)


def _kill_and_freeze(org: World, quiet: Quiet, seconds: float) -> list[dict[str, Any]]:
    run = request_run(org="maple", wanted=Wanted(), by="bench")
    first = org.worker(run)
    _until(lambda: org.writes() > quiet.writes[0] // 5)
    second = org.worker(run)
    time.sleep(3)
    killed_at = time.monotonic()
    first.send_signal(signal.SIGKILL)
    first.wait()
    _until(lambda: _owner(run) == second.pid)
    taken_over = time.monotonic() - killed_at
    before = org.writes()
    _until(lambda: org.writes() > before)
    second.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    asleep = org.writes()
    third = org.worker(run)
    _until(lambda: _owner(run) == third.pid or Run.objects.get(pk=run.pk).ended)
    code = third.wait(timeout=600)
    awake = org.writes()
    time.sleep(seconds)
    second.send_signal(signal.SIGCONT)
    second.wait(timeout=120)
    late = org.writes() - awake
    state = Run.objects.get(pk=run.pk).state
    return [
        figure("two workers: from SIGKILL to the other one at work", taken_over, "s", at_most=30),
        figure("two workers: calls of the woken one that are not its last", max(0, late - 1), "", at_most=0),
        figure("two workers: runs that did not end done", int(state != "done" or code != 0), "", at_most=0),
        figure("two workers: differences", differences(org.state(), quiet.states[0]), "", at_most=0),
        figure(
            "two workers: calls repeated beyond two slices",
            max(0, org.writes() - quiet.writes[0] - 2 * CALLS_OF_A_SLICE),
            "",
            at_most=0,
        ),
        figure("two workers: calls sent before it froze", asleep, ""),
    ]


def _owner(run: Run) -> int:
    """The process that works the run, 0 when nobody does."""
    owner = Run.objects.get(pk=run.pk).lease_owner
    return int(owner.partition("-")[0]) if owner else 0


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(0.05)
