"""`pages`: how long the server takes for each page of a big organization with a thousand past runs.

A generated district is synced once from CSV into an LMS that says yes at once; the past runs are rows that point to
that sync's plan and findings, with holds and refusals among them. Then every page of the organization that can be
looked at, as the list of addresses has them, is asked for in turns through Django's own client in one process: from the
request to its answer, or to the beginning of it where it is a download. The 95th percentile of each page counts, first
looks included. Pages whose address names something are asked with that sync, its hold, a person and a section.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import about, figure, watch

STUDENTS = 1_000_000
RUNS = 1000
TIMES = 40
_MS = 150


def run(students: int | None, work: Path) -> dict[str, Any]:
    number, runs, times = (students, 50, 5) if students and students < 10_000 else (students or STUDENTS, RUNS, TIMES)
    [day] = generate(work / "district", students=number, seed=1)
    data = str(work / "data")
    loaded = watch("pages_child", what="load", data=data, day=str(day)).answer
    watch("pages_child", what="fill", data=data, runs=runs)
    found = watch("pages_child", what="ask", data=data, times=times).answer
    pages = sorted(found["pages"].items(), key=lambda one: -one[1]["p95_ms"])
    worst = pages[0][1]["p95_ms"]
    figures = [
        figure("past runs", runs, ""),
        figure("pages", len(pages), ""),
        figure("pages that failed", sum(one["status"] >= 500 for _, one in pages), "", at_most=0),
        figure("the slowest page: 95th percentile", worst, "ms", at_most=_MS),
        *(figure(f"`{name}`", one["p95_ms"], "ms", at_most=_MS) for name, one in pages),
    ]
    return {
        "students": number,
        "about": about(__doc__),
        "figures": figures,
        "details": {"loaded": loaded, "pages": dict(pages)},
    }
