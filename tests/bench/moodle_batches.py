"""`moodle_batches`: how large calls to a Moodle should be, and how many at once.

A tenth of the district of `moodle` (1,000 users, 4,800 enrollments, 20 s of work for the practice Moodle), by size of
batch and calls at once. Then with four at once: where two are worked at at once and each takes 50 ms before its first
record, as PHP may; where one person of each hundred cannot be enrolled, so that calls are split; and where the answer
to every tenth call that enrolls is lost. The default is chosen by these.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench.measure import about, figure
from tests.bench.moodle import STUDENTS, district, sync

_SIZES, _AT_ONCE = (25, 50, 100, 250, 500, 1000), (1, 2, 4, 8)
#: One call at a time takes longest, and tells least.
_ALONE = (25, 250, 1000)
_PATH = "path=enrol_manual_enrol_users"
_ROUGH: dict[str, dict[str, Any]] = {
    "two worked at, 50 ms a call": {"workers": 2, "call_seconds": 0.05},
    "one of each hundred refused": {
        "faults": [f"refuse_items:people=1,each=100,code=wsusercannotassign,message=No,{_PATH}"]
    },
    "every tenth answer lost": {"faults": [f"drop_answer:every=10,{_PATH}"]},
}


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = students or STUDENTS // 10
    day = district(work / "district", number)
    sizes, at_once = (_SIZES, _AT_ONCE) if students is None else (_SIZES[3:4], _AT_ONCE[2:3])
    calm = {
        f"{size} × {many}": _first(work, day, size, many)
        for many in at_once
        for size in (_ALONE if many == 1 else sizes)
    }
    rough = {
        f"{size} × 4, {words}": _first(work, day, size, 4, **site) for words, site in _ROUGH.items() for size in sizes
    }
    figures = []
    for name, found in (calm | rough).items():
        figures.append(figure(name, found["wall"], "s"))
        figures.append(figure(f"{name}: calls", found["calls"], ""))
        if name in calm:
            figures.append(figure(f"{name}: no call under way", found["idle"], "%"))
    return {"students": number, "about": about(__doc__), "figures": figures, "details": {**calm, **rough}}


def _first(work: Path, day: Path, size: int, at_once: int, **site: Any) -> dict[str, Any]:
    """A first sync with calls of that size, so many at once."""
    place = work / f"sync-{len(list(work.iterdir()))}"
    options = {"batch_size": size, "parallel": at_once}
    _, (found,) = sync(place, day, site=site, options=options)
    return found
