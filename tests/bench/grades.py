"""`grades`: one section's grades back over HTTP, against a bare client that sends the same calls.

A section has 35 students and 60 items, all graded. Practice SIS and practice LMS serve from processes of their own.
Rollbook's time is that of the whole run, from the moment it is asked for to its end: reading both gradebooks, planning,
sending, reading back, keeping the ledger. The bare client sends the recorded calls, with the same bodies and as many at
a time, and does nothing else. Afterwards the same again with nothing changed, within a process and as the command
`rollbook grades sync`. Medians of interleaved runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.bench.grades_child import fresh
from tests.bench.measure import Watched, about, figure, median, serving, watch, watch_command
from tests.grade_town import ORG, SECTION, BareSis, Teacher, write_day

STUDENTS, ITEMS = 35, 60
TIMES = 5
PARALLEL = 4
_CALLS = "calls.json"


def run(students: int | None, work: Path) -> dict[str, Any]:
    """`students` stands for those of the section; there are fewer items then as well."""
    number, items = (STUDENTS, ITEMS) if students is None else (min(students, STUDENTS), 4)
    times = TIMES if students is None else 1
    day = write_day(work / "day", sections=1, students=number)
    with practice(str(day)) as (sis, lms), httpx2.Client(trust_env=False, timeout=60.0) as http:
        asked = {"sis": sis, "parallel": PARALLEL}
        watch("grades_child", what="prepare", work=str(work), lms=lms, **asked)
        _grade(lms, http, number, items)
        watch("grades_child", what="map", work=str(work))
        first = _first(work)
        ours, bare, command = [], [], []
        for _ in range(times):
            BareSis(sis, http).empty(SECTION)
            bare.append(watch("grades_child", what="bare", work=str(work), record=_CALLS, **asked))
            BareSis(sis, http).empty(SECTION)
            fresh(work, "copy")
            ours.append(watch("grades_child", what="sync", work=str(work), data="copy", again=2))
            command.append(_command(work / "copy"))
    assert first["changes"] == items * (number + 1)
    assert all(one.answer["calls"] == first["changes"] for one in bare)
    assert not any(again["changes"] for one in ours for again in one.answer["again"])
    return {
        "students": number,
        "about": about(__doc__),
        "figures": _figures(ours, bare, command, judged=students is None),
        "details": {
            "items": items,
            "changes": first["changes"],
            "parallel": PARALLEL,
            "rollbook": [one.answer for one in ours],
            "bare": [one.answer for one in bare],
            "command": [one.row() for one in command],
        },
    }


@contextmanager
def practice(day: str) -> Iterator[tuple[str, str]]:
    """Addresses of a practice SIS with this day, and of an empty practice LMS."""
    os.environ["ROLLBOOK_ALLOW_PRIVATE_HOSTS"] = "1"
    with serving(kind="sis", directory=day) as sis, serving(kind="lms") as lms:
        yield sis, lms


def _grade(lms: str, http: httpx2.Client, students: int, items: int) -> None:
    """Everybody gets a grade for everything."""
    teacher = Teacher(lms, http, SECTION)
    assert len(teacher.members) == students
    category = teacher.category("Homework")
    due = [f"2026-09-{day:02} 12:00:00" for day in range(1, 31)]
    made = [
        teacher.item(f"Item {place}", max_points=20, due=due[place % len(due)], grading_category=category)
        for place in range(items)
    ]
    teacher.grade([(item, student, item % 20, 0) for item in made for student in teacher.members])


def _first(work: Path) -> dict[str, Any]:
    """A sync whose calls are recorded."""
    fresh(work, "first")
    found: dict[str, Any] = watch("grades_child", what="sync", work=str(work), data="first", record=_CALLS).answer[
        "first"
    ]
    return found


def _command(data: Path) -> Watched:
    """The command, with nothing changed."""
    os.environ["ROLLBOOK_DATA"] = str(data)
    return watch_command([sys.executable, "-m", "rollbook.cli", "grades", "sync", ORG, "--section", SECTION, "--json"])


def _figures(ours: list[Watched], bare: list[Watched], command: list[Watched], *, judged: bool) -> list[dict[str, Any]]:
    def at_most(most: float) -> float | None:
        return most if judged else None

    found = []
    for name, words, most in (("wall_s", "wall time", 1.5), ("cpu_s", "CPU time", None)):
        mine = median(one.answer["first"][name] for one in ours)
        theirs = median(one.answer[name] for one in bare)
        found += [
            figure(f"bare client: {words}", theirs, "s"),
            figure(f"Rollbook, first sync: {words}", mine, "s"),
            figure(f"{words} against the bare client", mine / theirs, "×", at_most=most and at_most(most)),
        ]
    again = median(each["wall_s"] for one in ours for each in one.answer["again"])
    return [
        *found,
        figure("again with nothing changed", again, "s", at_most=at_most(1.0)),
        figure("the same as a command, start of the process included", median(one.wall for one in command), "s",
               at_most=at_most(1.0)),
    ]  # fmt: skip
