"""`faults`: the practice systems' named faults in pairs, each pair in one run; and further doses of single faults.

A small district goes from its first to its second day while two faults are on: two of the SIS, two of the LMS, or one
of each. Ways of vendors that change no outcome are left out. Afterwards both faults are lifted, and the next run must
reach what an undisturbed twin reached.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench.measure import about, figure, watch

STUDENTS = 40
#: One pair in so many is taken for a quick look.
_QUICK = 100


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = students or STUDENTS
    share, every = os.cpu_count() or 1, _QUICK if students else 1

    def part(of: str, place: int, every: int) -> list[dict[str, Any]]:
        found = watch("faults_child", work=str(work / f"{of}-{place}"), students=number, place=place * every,
                      step=share * every, of=of)  # fmt: skip
        rows: list[dict[str, Any]] = found.answer["tried"]
        return rows

    with ThreadPoolExecutor(share) as pool:
        pairs = [row for rows in pool.map(lambda place: part("pairs", place, every), range(share)) for row in rows]
        doses = [row for rows in pool.map(lambda place: part("doses", place, 1), range(share)) for row in rows]
    ends = Counter(row["end"] for row in pairs)
    passing = [row for row in pairs if row["passing"]]
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("pairs", len(pairs), "", at_least=300 if students is None else None),
            *(figure(f"ended {end}", ends[end], "") for end in ("done", "held", "failed")),
            figure("pairs of two faults that pass", len(passing), ""),
            figure("of them not done in the fault-free state", sum(not row["same"] for row in passing), "", at_most=0),
            figure("ended in the words of neither fault", sum(not row["as_told"] for row in pairs), "", at_most=0),
            figure("further doses of single faults", len(doses), ""),
            figure("of them not ended as they should", sum(not row["as_told"] for row in doses), "", at_most=0),
            figure("things wrongly removed", sum(row["removed"] for row in pairs + doses), "", at_most=0),
            figure("after which the next run differs", sum(row["differs"] for row in pairs + doses), "", at_most=0),
        ],
        "details": {"odd": [row for row in pairs + doses if _odd(row)], "ends": dict(sorted(ends.items()))},
    }


def _odd(row: dict[str, Any]) -> bool:
    return bool(row["removed"] or row["differs"] or (row["passing"] and not row["same"]) or not row["as_told"])
