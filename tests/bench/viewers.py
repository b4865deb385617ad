"""`viewers`: two hundred people follow one run; how much slower does it become?

As the demo does: a practice SIS and LMS in processes of their own, and `rollbook up` with its worker beside the pages,
each time on fresh data. A dry run works first; behind it waits the first full sync. While the dry run works, the
viewers open the page of the waiting run, each with its stream of progress, and stay until it has ended and the page has
come again.
Compared is the sync's time from start to end, with and without viewers in turn. A request that is not answered with
200, or a stream that ends before its run, is a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rollbook.cli.demo_systems import Systems
from tests.bench.measure import ROOT, about, figure, median, watch

STUDENTS = 1000
VIEWERS = 200
TIMES = 7
_ALLOW = "ROLLBOOK_ALLOW_PRIVATE_HOSTS"


def run(students: int | None, work: Path) -> dict[str, Any]:
    number, times, viewers = (students, 1, 20) if students else (STUDENTS, TIMES, VIEWERS)
    quiet, watched = [], []
    for place in range(times):
        quiet.append(_round(work / f"quiet-{place}", number, 0))
        watched.append(_round(work / f"watched-{place}", number, viewers))
    without, with_them = (median(one["seconds"] for one in each) for each in (quiet, watched))
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("viewers", viewers, ""),
            figure("the sync without viewers, median", without, "s"),
            figure("the sync with viewers, median", with_them, "s"),
            figure("with against without viewers", with_them / without, "×", at_most=1.05),
            figure("requests that failed", sum(one["failed"] for one in watched), "", at_most=0),
            figure("requests", sum(one["requests"] for one in watched), ""),
            figure(
                "viewers in place when the sync began", min(one["in_place"] for one in watched), "", at_least=viewers
            ),
            figure("news of the run for each viewer, median", median(one["news"] for one in watched), ""),
        ],
        "details": {"quiet": quiet, "watched": watched},
    }


def _round(folder: Path, students: int, viewers: int) -> dict[str, Any]:
    folder.mkdir(parents=True)
    data = str(folder / "data")
    with _allowed(), Systems(folder, students=students, seed=1, port=0) as systems:
        cookie = watch("viewers_child", what="prepare", data=data, settings=systems.settings("bench")).answer["cookie"]
        with _up(data) as address:
            name = watch("viewers_child", what="ask", data=data).answer["run"]
            given = {"address": address, "cookie": cookie, "run": name, "viewers": viewers}
            seen = watch("viewers_child", what="view", data=data, **given).answer if viewers else {}
            found = watch("viewers_child", what="wait", data=data, run=name).answer
    in_place = sum(at <= found["started"] for at in seen.pop("at", []))
    assert found["state"] == "done", found
    return {"seconds": round(found["seconds"], 3), **seen, "in_place": in_place}


@contextmanager
def _allowed() -> Iterator[None]:
    before = os.environ.get(_ALLOW)
    os.environ[_ALLOW] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ALLOW]
        else:
            os.environ[_ALLOW] = before


@contextmanager
def _up(data: str) -> Iterator[str]:
    """`rollbook up` on a free port; yields its address."""
    command = [sys.executable, "-m", "rollbook.cli", "up", "--port", "0", "--data", data, "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        yield json.loads(text)["address"]
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
