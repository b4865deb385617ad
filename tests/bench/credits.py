"""`credits`: a first load with the LMS's rate limiter on (50 credits in 5 seconds; a write costs 3, a read 1).

The share is that of the credits that could be spent between the first and the last write call, as the practice LMS
counts them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import about, figure, serving, watch

STUDENTS = 2700


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = max(1, students // 10) if students else STUDENTS
    [day] = generate(work / "district", students=number, seed=3)
    with serving(kind="lms", limiter=True) as url:
        watched = watch("lms_child", url=url, days=[str(day)], work=str(work), options={})
    [found] = watched.answer["days"]
    span = found["span"]
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("write calls", found["writes"], "", at_least=500 if students is None else None),
            figure("from the first to the last", span["last"] - span["first"], "s"),
            figure("credits spent, of those usable", span["share"], "%", at_least=0.9),
            figure("refused calls", found["refused_calls"], "", at_most=0),
        ],
        "details": found,
    }
