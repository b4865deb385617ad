"""`demo`: `script/demo --once`, from the first process to the last: practice systems, first sync, end.

The environment is set up before; the limiter of the practice LMS is off. Median of three.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench.measure import about, figure, median, watch_command

STUDENTS = 1000
TIMES = 3
_SECONDS = 15


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = students or STUDENTS
    command = ["bash", "script/demo", "--once", "--json", "--students", str(number)]
    watch_command(command)  # sets up what is not set up yet
    runs = [watch_command(command) for _ in range(1 if students else TIMES)]
    assert all(one.answer["state"] == "done" for one in runs)
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure(
                "wall time, median",
                median(one.wall for one in runs),
                "s",
                at_most=_SECONDS if number == STUDENTS else None,
            ),
            figure("peak memory, all processes", max(one.peak for one in runs), "MiB"),
        ],
        "details": {"runs": [{**one.row(), "seconds": one.answer["seconds"]} for one in runs]},
    }
