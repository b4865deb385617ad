"""Many small organizations on PostgreSQL: makes them, works them in a process, and tells when their runs began."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.base import Batch
from rollbook.connectors.memory.target import MemoryTarget
from rollbook.engine.service import serve_queue
from rollbook.roster.changes import Outcome
from rollbook.store.models import Organization, Run
from rollbook.store.runs import stored_result
from rollbook.store.setup import setup
from tests.bench.measure import ROOT

LONG = "org-0000"
#: Each so-maniest organization asks for two runs.
AGAIN = 20
SETTINGS = """
organization: {{slug: {slug}, name: Bench}}
sis: {{connector: oneroster_csv, options: {{path: {day}}}}}
lms: {{connector: memory, options: {{space: {slug}, key: memory}}}}
active_year: "2027"
schools: {{"*": create}}
terms: {{"*": {{"*": create}}}}
roles: {{"*": {{student: Student, teacher: Teacher, guardian: Parent, parent: Parent, "*": skip}}}}
users: {{passwords: none}}
"""


def main(what: str, data: str, day: str = "", number: int = 0, long: float = 0.0) -> dict[str, Any]:
    if what == "prepare":
        return _prepare(Path(data), day, number)
    if what == "wait":
        setup(Path(data))
        while Run.objects.filter(ended_at__isnull=True).exists():
            time.sleep(1)
        return _tell()
    _work(Path(data), long)
    return {}


def _prepare(data: Path, day: str, number: int) -> dict[str, Any]:
    setup(data)
    for place in range(number):
        slug = f"org-{place:04}"
        text = SETTINGS.format(slug=slug, day=day)
        import_settings(text, name=slug, around=Surroundings({}, data), by="bench")
    slugs = list(Organization.objects.order_by("slug").values_list("slug", flat=True))
    for slug in slugs:
        request_run(org=slug, wanted=Wanted(), by="bench")
    for slug in slugs[::AGAIN]:
        # The same once more would join the first; sent by another process, it would meet another LMS in memory.
        request_run(org=slug, wanted=Wanted(dry_run=True), by="bench")
    return {"organizations": Organization.objects.count()}


def _tell() -> dict[str, Any]:
    runs = list(Run.objects.select_related("organization").order_by("started_at"))
    first = runs[0].started_at
    assert first is not None
    starts: dict[str, float] = {}
    for run in runs:
        assert run.started_at is not None
        starts.setdefault(run.organization.slug, (run.started_at - first).total_seconds())
    spans: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        spans[run.organization.slug].append(run)
    long = next((run for run in runs if run.organization.slug == LONG), runs[0])
    return {
        "starts": starts,
        "failed": sum(run.state != ("planned" if run.dry_run else "done") for run in runs),
        "twice": sum(run.lease_epoch != 1 for run in runs),
        "seconds": sum(len(each) > 1 for each in spans.values()),
        "together": sum(_overlap(each) for each in spans.values()),
        "longest": stored_result(long).seconds.get("apply", 0.0),
    }


def _overlap(runs: Sequence[Run]) -> int:
    return sum(1 for one, next_ in itertools.pairwise(runs) if next_.started_at < one.ended_at)


def _work(data: Path, long: float) -> None:
    """Work the queue until standard input ends."""
    if long:
        _slow_down(long)
    stop = threading.Event()

    def watch_input() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=watch_input, daemon=True).start()
    serve_queue(setup(data), stop, alone=False)


def _slow_down(seconds: float) -> None:
    """The first organization's LMS answers so slowly that applying takes about as long."""
    apply = MemoryTarget.apply
    until: list[float] = []

    def slow(target: MemoryTarget, batch: Batch) -> Sequence[Outcome]:
        if target._options.space == LONG:
            until.append(time.monotonic() + seconds)
            while time.monotonic() < until[0]:
                target._context.cancel.wait(1.0)
        return apply(target, batch)

    MemoryTarget.apply = slow  # type: ignore[method-assign] # of this process alone


@contextmanager
def started(data: Path, number: int, long: float) -> Iterator[None]:
    """So many workers, each with scratch space of its own, as on machines of their own."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.queue_child",
             json.dumps({"what": "work", "data": str(data.parent / f"worker-{place}"), "long": long})],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )
        for place in range(number)
    ]  # fmt: skip
    try:
        yield
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in processes:
            process.wait(timeout=60)


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
