"""`viewers`: two hundred people follow one run; how much slower does it become, and how far behind are they?

As the demo does: a practice SIS and LMS in processes of their own, and `rollbook up` with its worker beside the pages,
each time on fresh data. A dry run works first; behind it waits the first full sync. While the dry run works, the
viewers open the page of the waiting run, each with its stream of progress, and stay until it has ended and the page has
come again. Compared is the sync's time from start to end, with and without viewers in turn. A request that is not
answered with 200, or a stream that ends before its run, is a failure. A viewer is behind for as long as the page still
shows what, by the worker's own notes, is not true any more. All of it shares one machine, the viewers too: one process
for all of them, with low priority, whose processor time is told.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rollbook.cli.demo_systems import Systems, first_document
from tests.bench.measure import ROOT, about, figure, median, watch
from tests.bench.viewers_lag import Behind, behind
from tests.postgres import Server

STUDENTS = 18_000
VIEWERS = 200
TIMES = 3
_ALLOW = "ROLLBOOK_ALLOW_PRIVATE_HOSTS"
Rows = Sequence[dict[str, Any]]


def run(students: int | None, work: Path) -> dict[str, Any]:
    return measured(students, work, None, about(__doc__))


def measured(students: int | None, work: Path, server: Server | None, words: str) -> dict[str, Any]:
    """On SQLite and in one process; with a server, on PostgreSQL and in two."""
    number, times, viewers = (students, 1, 20) if students else (STUDENTS, TIMES, VIEWERS)
    rounds = [
        [_round(work / f"{place}-{each}", number, each, server) for each in (0, viewers)] for place in range(times)
    ]
    quiet, watched = ([pair[each] for pair in rounds] for each in (0, 1))
    return {
        "students": number,
        "about": words,
        "figures": [figure("viewers", viewers, ""), *_costs(quiet, watched), *_promises(watched, viewers)],
        "details": {"quiet": quiet, "watched": watched},
    }


def _costs(quiet: Rows, watched: Rows) -> list[dict[str, Any]]:
    without, with_them = (median(one["seconds"] for one in each) for each in (quiet, watched))
    return [
        figure("the sync without viewers, median", without, "s"),
        figure("the sync with viewers, median", with_them, "s"),
        figure("with against without viewers", with_them / without, "×", at_most=1.05),
        figure("processor time of the worker's process without viewers, median", _cpu(quiet), "s"),
        figure("processor time of the worker's process with viewers, median", _cpu(watched), "s"),
        figure("processor time of all viewers, median", median(one["cpu_viewers"] for one in watched), "s"),
    ]


def _cpu(rows: Rows) -> float:
    return median(one["cpu_worker"] for one in rows)


def _promises(watched: Rows, viewers: int) -> list[dict[str, Any]]:
    least = {name: min(one[name] for one in watched) for name in ("in_place", "saw_the_end")}
    return [
        figure("requests", sum(one["requests"] for one in watched), ""),
        figure("requests that failed", sum(one["failed"] for one in watched), "", at_most=0),
        figure("viewers in place when the sync began", least["in_place"], "", at_least=viewers),
        figure("viewers who saw the end", least["saw_the_end"], "", at_least=viewers),
        figure("news of the run for each viewer, median", median(one["news"] for one in watched), ""),
        figure("behind, 95 of 100", max(one["behind_95"] for one in watched), "s", at_most=1.0),
        figure("behind at most", max(one["behind"] for one in watched), "s", at_most=1.0),
        figure("shown, but never true", sum(one["untrue"] for one in watched), "", at_most=0),
    ]


def _round(folder: Path, students: int, viewers: int, server: Server | None) -> dict[str, Any]:
    folder.mkdir(parents=True)
    data, notes, seen = str(folder / "data"), folder / "notes.json", folder / "seen.json"
    with _environment(folder, server), Systems(folder, students=students, seed=1, port=0) as systems:
        cookie = watch("viewers_child", what="prepare", data=data, settings=systems.settings("bench")).answer["cookie"]
        with _serving(folder, server) as (address, worker):
            name = watch("viewers_child", what="ask", data=data).answer["run"]
            given = {"address": address, "cookie": cookie, "run": name, "viewers": viewers, "seen": str(seen)}
            saw = watch("viewers_child", what="view", data=data, **given).answer if viewers else {}
            found = watch("viewers_child", what="wait", data=data, run=name, pid=worker).answer
    assert found["state"] == "done", found
    steps = [one for one in json.loads(notes.read_text(encoding="utf-8")) if one[0] == 1]
    cpu = round(steps[-1][2] - steps[0][2], 2)
    row = {"seconds": round(found["seconds"], 3), "cpu_worker": cpu}
    if not viewers:
        return row
    return row | _watched(saw, found, behind(steps, json.loads(seen.read_text(encoding="utf-8"))))


def _watched(saw: dict[str, Any], found: dict[str, Any], late: Behind) -> dict[str, Any]:
    at = saw.pop("at")
    return {
        "requests": saw["requests"],
        "failed": saw["failed"],
        "saw_the_end": saw["saw_the_end"],
        "cpu_viewers": saw["cpu"],
        "in_place": sum(0 < one <= found["started"] for one in at),
        "news": len(late.seconds) / len(at),
        "behind_95": round(statistics.quantiles(late.seconds, n=20)[-1], 3),
        "behind": round(max(late.seconds), 3),
        "untrue": late.untrue,
    }


@contextmanager
def _environment(folder: Path, server: Server | None) -> Iterator[None]:
    shared = {"DATABASE_URL": server.create(), "ROLLBOOK_KEYS_FILE": str(folder / "keys")} if server else {}
    given = {_ALLOW: "1", **shared}
    before = {name: os.environ.get(name) for name in given}
    os.environ |= given
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _serving(folder: Path, server: Server | None) -> Iterator[tuple[str, int]]:
    """`rollbook up` on a free port, or `web` and `worker`; yields the address and the process id of the worker."""
    with ExitStack() as stack:
        if server is None:
            process, address = stack.enter_context(_process(folder, "up", "--port", "0"))
            yield address, process.pid
        else:
            _, address = stack.enter_context(_process(folder, "web", "--port", "0"))
            process, _ = stack.enter_context(_process(folder, "worker"))
            yield address, process.pid


@contextmanager
def _process(folder: Path, what: str, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    notes = folder / ("web-notes.json" if what == "web" else "notes.json")
    given = [what, *more, "--data", str(folder / "data"), "--json"]
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.bench.viewers_up", str(notes), *given]
    words = folder / f"{what}.log"
    with words.open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield process, "" if what == "worker" else _address(process)
    finally:
        if process.poll() is not None:
            print(f"rollbook {what} ended by itself ({process.returncode}):\n{_end_of(words)}", file=sys.stderr)
        process.terminate()
        process.wait(timeout=60)
        assert process.stdout is not None
        process.stdout.close()


def _address(process: subprocess.Popen[str]) -> str:
    return str(json.loads(first_document(process))["address"])


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8").splitlines()[-30:])
