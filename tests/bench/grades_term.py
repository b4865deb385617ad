"""`grades_term`: seeded terms of grading with edits, deletions, excusals, late arrivals, kills and faults.

Teachers grade three sections week by week in the practice LMS. In most weeks the first run meets faults of SIS and LMS,
and in every other week its process is killed after some number of calls. Then teachers change their minds, and a run
without trouble follows, after which bare clients compare both gradebooks. In a part of the terms the SIS gives line
items ids of its own. Calls are counted in terms without trouble: writes that the SIS was sent, against line items and
results that changed between two syncs, as the LMS's gradebook tells it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx2

from tests.bench.measure import about, figure, serving
from tests.cli.kit import Command
from tests.grade_term import Term, Told
from tests.grade_town import ORG, BareSis, practice_settings, section_codes, write_day

SECTIONS, STUDENTS, LATE = 3, 10, 2
#: Seeds of terms with trouble, and whether the SIS makes ids of its own there; seeds of terms without.
TROUBLED = ((1, False), (2, True), (3, False))
CALM = (4, 5)
WEEKS, CALM_WEEKS = 10, 12
_TIME_OUT = 2


def run(students: int | None, work: Path) -> dict[str, Any]:
    troubled, calm = (TROUBLED, CALM) if students is None else (TROUBLED[:1], CALM[:1])
    weeks, calm_weeks = (WEEKS, CALM_WEEKS) if students is None else (2, 2)
    found = [_term(work / f"troubled-{seed}", seed, weeks, trouble=True, own_ids=own) for seed, own in troubled]
    quiet = [_term(work / f"calm-{seed}", seed, calm_weeks, trouble=False) for seed in calm]
    changes, writes = (sum(getattr(each, name) for each in quiet) for name in ("changes", "writes"))
    return {
        "students": STUDENTS,
        "about": about(__doc__),
        "figures": [
            figure("weeks with trouble", weeks * len(troubled), ""),
            figure("line items and results changed in them", _sum(found, "changes"), ""),
            figure("processes killed midway", _sum(found, "kills"), "", at_least=8 if students is None else None),
            figure("runs that faults ended", _sum(found, "broken"), ""),
            figure("differences between both gradebooks", _sum(found + quiet, "differences"), "", at_most=0),
            figure("line items or results there twice", _sum(found + quiet, "doubled"), "", at_most=0),
            figure("sent by one more sync at the end", _sum(found + quiet, "again"), "", at_most=0),
            figure("changes in weeks without trouble", changes, ""),
            figure("write calls sent for them", writes, ""),
            figure("calls against one for each change", writes / changes, "×", at_most=1.02),
        ],
        "details": {"troubled": [asdict(each) for each in found], "calm": [asdict(each) for each in quiet]},
    }


def _term(work: Path, seed: int, weeks: int, *, trouble: bool, own_ids: bool = False) -> Told:
    codes = section_codes(SECTIONS)
    day = write_day(work / "day", sections=SECTIONS, students=STUDENTS, late=LATE)
    later = write_day(work / "later", sections=SECTIONS, students=STUDENTS)
    always = ["own_item_id"] if own_ids else []
    with _town(day, work) as (rollbook, sis, lms):
        term = Term(seed, rollbook, sis, lms, codes, always=always)
        for week in range(weeks):
            if week == weeks // 2:
                term.arrive(later)
            term.week(acts=8, trouble=trouble and week % 5 != 4, kill=week % 2 == 0)
        term.sync_again()
    return term.told


@contextmanager
def _town(day: Path, work: Path) -> Iterator[tuple[Command, BareSis, str]]:
    """The roster is in the LMS."""
    os.environ["ROLLBOOK_ALLOW_PRIVATE_HOSTS"] = "1"
    with serving(kind="sis", directory=str(day)) as sis, serving(kind="lms") as lms:
        settings, rollbook = work / "settings.yaml", Command(work / "data")
        settings.write_text(practice_settings(sis, lms, timeout=_TIME_OUT), encoding="utf-8")
        rollbook("config", "import", str(settings), schema="config-import")
        rollbook("sync", ORG)
        with httpx2.Client(trust_env=False, timeout=60.0) as http:
            yield rollbook, BareSis(sis, http), lms


def _sum(told: list[Told], name: str) -> int:
    return sum(getattr(each, name) for each in told)
