"""`pages`: how long the server takes for each page of a big organization with a thousand past runs.

A generated district is synced into an LMS that refuses a few records; a dry run looks at both systems; the second day
is synced under tight limits, which hold some of it. A thousand past runs are rows in the shape of that one, a hundred
of them with files and a journal of their own. Then every address of the list of URLs that can be looked at is asked for
in turns through Django's own client in one process, each with as many different runs, people, sections, filters, pages
and searches as it has: from the request to the whole answer, or to the beginning of a download. Every answer must be a
page (200) with something in it. The first turn warms the process up; of the others the 95th percentile of each page
counts, and the slowest page is the figure. What leads on to another page is listed with the reason.

Two hundred sections have gradebooks of 10 to 60 items, which two real runs have brought into a SIS that refuses a few
grades; 1,800 more have rows in that shape.

ROLLBOOK_PAGES_WORLD names a folder that keeps the prepared organization for the next time; one of an earlier release is
completed.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import about, figure, watch

STUDENTS = 1_000_000
RUNS = 1000
TIMES = 40
_MS = 150


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = students or STUDENTS
    runs, times = (30, 1) if number < 10_000 else (RUNS, TIMES)
    kept = os.environ.get("ROLLBOOK_PAGES_WORLD")
    world = _prepared(Path(kept) / str(number) if kept else work, number, runs)
    found = watch("pages_child", data=world["data"], times=times)
    answer = found.answer
    pages = dict(sorted(answer["pages"].items(), key=lambda one: -one[1]["p95_ms"]))
    slowest, worst = next(iter(pages.items()))
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("past runs", runs, ""),
            figure("pages", len(pages), ""),
            figure("pages that were not answered whole", len(answer["wrong"]), "", at_most=0),
            figure(f"the slowest page, `{slowest}`: 95th percentile", worst["p95_ms"] / 1000, "s", at_most=_MS / 1000),
            figure("pages above 0.15 s", sum(one["p95_ms"] > _MS for one in pages.values()), "", at_most=0),
            figure("peak memory of the process", found.peak, "MiB"),
        ],
        "details": {
            "rows": world["rows"],
            "pages": pages,
            "not answered whole": answer["wrong"],
            "not asked": answer["not_asked"],
        },
    }


def _prepared(folder: Path, students: int, runs: int) -> dict[str, Any]:
    """The organization: made now, or kept from an earlier time. The district's files may go when it is synced."""
    told = folder / "world.json"
    if not told.exists():
        days = generate(folder / "district", students=students, seed=1, days=2)
        least = 5 if students >= 10_000 else 1
        given = {"days": [str(day) for day in days], "runs": runs, "least": least}
        found = watch("pages_world", data=str(folder / "data"), **given)
        shutil.rmtree(folder / "district")
        told.write_text(json.dumps(found.answer), encoding="utf-8")
    real, alike = (200, 1800) if students >= 10_000 else (3, 20)
    more = watch("pages_grades", data=str(folder / "data"), real=real, alike=alike).answer
    world: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return {**world, "rows": world["rows"] | more, "data": str(folder / "data")}
