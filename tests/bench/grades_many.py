"""`grades_many`: the grades of all sections of a district in one run, as an administrator starts it.

So many sections with 30 students and 5 items each, all graded and none of them sent before; then the same run again,
with nothing changed. LMS and SIS are in Rollbook's process: gradebooks are made when they are asked for, what is sent
is kept in a file. Memory is that of the whole process, against the same run over a quarter of the sections.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.bench.measure import Watched, about, figure, watch

SECTIONS = 2000
STUDENTS, ITEMS = 30, 5
#: More than this share of memory on top, and the run would not be flat.
_FLAT = 1.15


def run(students: int | None, work: Path) -> dict[str, Any]:
    many = SECTIONS if students is None else 8
    found = {number: _runs(work / str(number), number) for number in (many // 4, many)}
    (few_first, few_again), (first, again) = found[many // 4], found[many]
    judged = students is None

    def grown(more: Watched, less: Watched) -> float:
        return more.peak / less.peak

    return {
        "students": STUDENTS,
        "about": about(__doc__),
        "figures": [
            figure("sections", many, ""),
            figure("line items and results sent", first.answer["changes"], ""),
            figure("wall time", first.answer["wall_s"], "s"),
            figure(f"memory, {many // 4:,} sections", few_first.peak, "MiB"),
            figure("memory, all sections", first.peak, "MiB"),
            figure("four times the sections: memory", grown(first, few_first), "×", at_most=_FLAT if judged else None),
            figure("again with nothing changed: wall time", again.answer["wall_s"], "s"),
            figure("again with nothing changed: memory", again.peak, "MiB"),
            figure(
                "again with nothing changed, four times the sections: memory",
                grown(again, few_again),
                "×",
                at_most=_FLAT if judged else None,
            ),
        ],
        "details": {str(number): [one.row() | one.answer for one in runs] for number, runs in found.items()},
    }


def _runs(work: Path, sections: int) -> tuple[Watched, Watched]:
    """The first run, and one that has nothing to send."""
    prepared = watch("grades_many_child", what="prepare", work=str(work), sections=sections)
    assert prepared.answer["sections"] == sections
    first, again = (
        watch("grades_many_child", what="sync", work=str(work), students=STUDENTS, items=ITEMS) for _ in range(2)
    )
    assert first.answer["changes"] == sections * ITEMS * (STUDENTS + 1)
    assert again.answer["changes"] == 0
    shutil.rmtree(work)
    return first, again
