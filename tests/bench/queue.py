"""`queue`: a thousand organizations, four workers, one long run.

Each organization has a small district as CSV and an LMS in memory; all ask for their first sync at once, and each
twentieth, the first among them, for a dry run right behind it. Four worker processes share one PostgreSQL. Then the
same again, the first organization in the queue with an LMS so slow that its run applies for ten minutes. Compared is
when the first run of every other organization starts, counted from the first start of all: as a ratio, save for the
first tenth of the time, when a second is already more than a tenth.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import about, figure, median, watch
from tests.bench.queue_child import started
from tests.postgres import Server, postgres

ORGANIZATIONS = 1000
WORKERS = 4
LONG = 600.0  # seconds of the long apply


def run(students: int | None, work: Path) -> dict[str, Any]:
    number, long = (students, 20.0) if students else (ORGANIZATIONS, LONG)
    [day] = generate(work / "district", students=6, seed=1)
    with postgres() as server:
        quiet = _round(work / "quiet", day, number, 0.0, server)
        busy = _round(work / "busy", day, number, long, server)
    starts, late = quiet["starts"], busy["starts"]
    soon = max(starts.values()) / 10
    others = [slug for slug in starts if slug != "org-0000" and starts[slug] > soon]
    ratios = sorted(late[slug] / starts[slug] for slug in others)
    delays = [late[slug] - starts[slug] for slug in starts if slug != "org-0000" and starts[slug] <= soon]
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("organizations", number, ""),
            figure("worker processes", WORKERS, ""),
            figure("organizations that had a second run waiting", quiet["seconds"], "", at_least=number // 20),
            figure("runs that did not end as they should", quiet["failed"] + busy["failed"], "", at_most=0),
            figure("runs that were worked twice", quiet["twice"] + busy["twice"], "", at_most=0),
            figure("organizations with two runs at a time", quiet["together"] + busy["together"], "", at_most=0),
            figure("all started, without the long run", max(starts.values()), "s"),
            figure("all others started, with it", max(late[slug] for slug in others), "s"),
            figure("the long run applied", busy["longest"], "s", at_least=long),
            figure("start with against without it, the last other run", _last(late, starts), "×", at_most=1.1),
            figure("start with against without it, median of the others", median(ratios), "×", at_most=1.1),
            figure("start with against without it, worst of the others", ratios[-1], "×", at_most=1.1),
            figure("in the first tenth, later by at most", max(delays), "s", at_most=soon),
        ],
        "details": {"quiet": _brief(quiet), "busy": _brief(busy)},
    }


def _last(late: dict[str, float], starts: dict[str, float]) -> float:
    return max(number for slug, number in late.items() if slug != "org-0000") / max(starts.values())


def _brief(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "starts"}


def _round(folder: Path, day: Path, number: int, long: float, server: Server) -> dict[str, Any]:
    with _shared(server, folder / "keys"):
        data = folder / "data"
        watch("queue_child", what="prepare", data=str(data), day=str(day), number=number)
        with started(data, WORKERS, long):
            found = watch("queue_child", what="wait", data=str(data)).answer
        shutil.rmtree(folder)
        return found


@contextmanager
def _shared(server: Server, keys: Path) -> Iterator[None]:
    """A fresh database and one key ring for all workers."""
    given = {"DATABASE_URL": server.create(), "ROLLBOOK_KEYS_FILE": str(keys)}
    os.environ |= given
    try:
        yield
    finally:
        for name in given:
            del os.environ[name]
