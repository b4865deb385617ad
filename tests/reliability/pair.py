"""Workers of one PostgreSQL database: one is killed while it applies, the next one frozen and woken after its run was
taken over."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rollbook.store.models import Run, WorkerRow
from tests.reliability.campaign import Seen, judge, look_again
from tests.reliability.nursery import Nursery, Worker
from tests.reliability.world import Day, World, world


@dataclass(frozen=True)
class Story:
    """`takeovers`: seconds from the kill, and from the freeze, until another worker had the run. `woken_calls`: write
    calls that reached the LMS after the frozen one woke up, with nobody else at work."""

    seen: Seen
    takeovers: tuple[float, float]
    woken_calls: int

    def judged(self, org: World, run: Run, usual: Day) -> Self:
        judge(org, Run.objects.get(pk=run.pk), usual, 0, ["apply", "apply"], self.seen)
        look_again(org, self.seen)
        return self


def one_killed_one_frozen(
    folder: Path,
    day: Path,
    usual: Day,
    nurseries: Sequence[Nursery],
    url: str,
    *,
    frozen: float,
    timeout: float = 2.0,
    slow: float = 0.4,
    wait_for_end: bool = True,
) -> Story:
    """`frozen` seconds at least; `wait_for_end`: until the run has ended, so that the calls of the woken one show."""
    with world(folder, day, nurseries[0], url=url, timeout=timeout) as org:
        org.faults({"name": "slow", "seconds": slow, "method": "POST"})
        run = org.request()
        workers = [org.start(run, nursery=nursery) for nursery in nurseries]
        until(lambda: WorkerRow.objects.count() == len(workers))  # while one plans: nobody has to come in time later
        sent = _until_more(org, 0)
        killed, _ = _taken_over(run, workers)
        killed.kill()
        killed.wait()
        workers.remove(killed)
        sleeper, soon = _taken_over(run, workers)
        _until_more(org, sent)
        workers.remove(sleeper)
        sleeper.kill(signal.SIGSTOP)
        asleep = time.monotonic()
        last, later = _taken_over(run, workers)
        until(lambda: time.monotonic() - asleep > frozen and (not wait_for_end or _ended(run)))
        return Story(seen=Seen(), takeovers=(soon, later), woken_calls=_wake(org, sleeper, last)).judged(
            org, run, usual
        )


def _wake(org: World, sleeper: Worker, last: Worker) -> int:
    """Write calls from the moment it wakes until both workers have ended."""
    org.faults()
    before = org.writes()
    sleeper.kill(signal.SIGCONT)
    assert sleeper.wait() == 0
    assert last.wait() == 0
    return org.writes() - before


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def _until_more(org: World, than: int) -> int:
    """Wait until more write calls than that were sent; how many."""
    until(lambda: org.writes() > than + 1)
    return org.writes()


def _taken_over(run: Run, workers: Sequence[Worker]) -> tuple[Worker, float]:
    """Which of these works the run, and after how many seconds."""
    start = time.monotonic()
    by_owner: list[Worker] = []

    def found() -> bool:
        over = _ended(run)
        assert not over or len(workers) == 1, "the run was over before somebody had to take it over"
        by_owner.extend(worker for worker in workers if over or _owner(run).startswith(f"{worker.pid}-"))
        return bool(by_owner)

    until(found)
    return by_owner[0], time.monotonic() - start


def _owner(run: Run) -> str:
    return str(Run.objects.values_list("lease_owner", flat=True).get(pk=run.pk))


def _ended(run: Run) -> bool:
    return Run.objects.get(pk=run.pk).ended
