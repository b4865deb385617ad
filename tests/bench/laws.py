"""`laws`: the property tests and the state machine of days, with many more examples than in everyday tests.

Small districts, nights of edits, faults, deaths of workers, half-read SIS, holds that are approved or left, undoing,
and edits by hand in the LMS, against what a simple oracle says. Everyday tests try a handful of each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.bench.measure import ROOT, about, figure

#: So many times as many examples as in everyday tests.
TIMES, QUICK = 8, 1
SUITES = ("tests/property/test_laws.py", "tests/property/test_days.py", "tests/property/test_schedule.py")


def run(students: int | None, work: Path) -> dict[str, Any]:
    times = QUICK if students else TIMES
    report = work / "report.xml"
    started = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(os.cpu_count() or 1), f"--junitxml={report}", *SUITES]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "ROLLBOOK_LAWS": str(times)}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None, ended.stdout
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    cases = {str(case.get("name")): float(case.get("time", 0)) for case in suite.iter("testcase")}
    return {
        "students": 0,
        "about": about(__doc__),
        "figures": [
            figure("laws", len(cases), "", at_least=10),
            figure("times the examples of everyday tests", times, "×"),
            figure("laws that do not hold", failed, "", at_most=0),
            figure("took", time.perf_counter() - started, "s"),
        ],
        "details": {"seconds": cases, "failed": ended.stdout[-4000:] if failed else ""},
    }
