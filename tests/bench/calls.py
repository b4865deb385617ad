"""`calls`: write calls sent to the LMS, against the least number that would do.

A first full load and two days of change (creates, updates, removals) by the Schoology connector, counted by the
practice LMS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import about, figure, serving, watch

STUDENTS = 3000
#: Much changes from day to day, so that every kind of change is there in numbers.
_CHANGE = 0.25


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = students or STUDENTS
    folders = generate(work / "district", students=number, seed=1, days=3, change=_CHANGE)
    with serving(kind="lms") as url:
        watched = watch(
            "lms_child",
            url=url,
            days=[str(folder) for folder in folders],
            work=str(work),
            options={"credits": 1000, "window": 0.001},
        )
    days = watched.answer["days"]
    writes, least, changes = (sum(day[name] for day in days) for name in ("writes", "least", "changes"))
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("changes sent", changes, "", at_least=20_000 if students is None else None),
            *(figure(f"{action}s among them", _of(days, action), "") for action in ("create", "update", "remove")),
            figure("least number of write calls", least, ""),
            figure("write calls sent", writes, ""),
            figure("calls against the least number", writes / least, "×", at_most=1.02),
        ],
        "details": {"days": days},
    }


def _of(days: list[dict[str, Any]], action: str) -> int:
    return sum(actions.get(action, 0) for day in days for actions in day["groups"].values())
