"""`pull`: reading 100,000 users over loopback REST, against a bare client that throws the same pages away.

The practice SIS serves from a process of its own and has rendered its pages before. Rollbook's client signs in, follows
the pages, looks into each for repeats and gaps, and writes it to a page file; the bare client signs in and downloads
the same pages, as many at a time. Times are those of the pull alone: both processes have imported their modules before.
Medians of fifteen interleaved runs.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import Watched, about, figure, interleaved, median, serving, watch

USERS = 100_000
TIMES = 15
#: Of 100 students come about 134 users: teachers and guardians are people too.
_USERS_PER_STUDENT = 1.33
PAGE, PARALLEL = 1000, 4


def run(students: int | None, work: Path) -> dict[str, Any]:
    number, times = students or round(USERS / _USERS_PER_STUDENT * 1.02), 1 if students else TIMES
    [day] = generate(work / "district", students=number, seed=1)
    users = _count(day / "users.csv")
    with serving(kind="sis", directory=str(day), prerender=["users", PAGE]) as url:
        asked = {"url": url, "page": PAGE, "parallel": PARALLEL, "folder": str(work / "pages")}
        watch("pull_child", who="bare", **asked)  # the server renders its pages now
        ours, bare = interleaved(
            times,
            lambda: watch("pull_child", who="rollbook", **asked),
            lambda: watch("pull_child", who="bare", **asked),
        )
    assert all(one.answer["users"] == users for one in [*ours, *bare])
    return {
        "students": number,
        "about": about(__doc__) + f" {users:,} users in pages of {PAGE:,}, {PARALLEL} at a time.",
        "figures": _figures(ours, bare),
        "details": {"rollbook": [one.answer for one in ours], "bare": [one.answer for one in bare], "users": users},
    }


def _figures(ours: list[Watched], bare: list[Watched]) -> list[dict[str, Any]]:
    found = []
    for name, words, most in (("cpu_s", "CPU time", 3.0), ("wall_s", "wall time", 1.5)):
        mine, theirs = (median(one.answer[name] for one in runs) for runs in (ours, bare))
        found += [
            figure(f"bare client: {words}", theirs, "s"),
            figure(f"Rollbook: {words}", mine, "s"),
            figure(f"{words} against the bare client", mine / theirs, "×", at_most=most),
        ]
    whole = median(one.cpu for one in ours) / median(one.cpu for one in bare)
    return [*found, figure("CPU time of the whole processes, start-up included", whole, "×")]


def _count(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1
