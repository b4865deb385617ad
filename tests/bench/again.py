"""`again`: a second run over the same data, against the LMS as the first one left it.

Nothing is left to do, so no write call is sent and the ledger stays at its version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import about, figure, serving, watch

STUDENTS = 2000


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = students or STUDENTS
    [day] = generate(work / "district", students=number, seed=2)
    with serving(kind="lms") as url:
        watched = watch(
            "lms_child",
            url=url,
            days=[str(day), str(day)],
            work=str(work),
            options={"credits": 1000, "window": 0.001},
        )
    first, second = watched.answer["days"]
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("changes sent by the first run", first["changes"], ""),
            figure("rows it left (held, waiting, refused, unknown)", sum(first["left"].values()), "", at_most=0),
            figure("write calls of the second run", second["writes"], "", at_most=0),
            figure("ledger versions made by the second run", second["ledger_versions"], "", at_most=0),
        ],
        "details": {"first": first, "second": second},
    }
