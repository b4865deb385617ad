"""A child process of the bench `grades`: syncs one section by Rollbook, or sends the same calls by a bare client."""

from __future__ import annotations

import base64
import json
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx2

from rollbook.actions.grades import GradesWanted, decide_categories, request_grades
from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.kit.transport import Wire
from rollbook.engine.waiting import work_until_ended
from rollbook.store.models import GradeSection, Run
from rollbook.store.runs import stored_result
from rollbook.store.setup import setup
from tests.grade_town import ORG, SECTION, BareSis, practice_settings

_WRITES = ("PUT", "DELETE")


def main(what: str, work: str, **more: Any) -> dict[str, Any]:
    return {"prepare": _prepare, "map": _map, "sync": _sync, "bare": _bare}[what](Path(work), **more)


def _prepare(work: Path, sis: str, lms: str, parallel: int) -> dict[str, Any]:
    """Bring the roster into the LMS. Tells how many calls that took."""
    opened = setup(work / "data")
    text = practice_settings(sis, lms, parallel=parallel)
    import_settings(text, name="the bench's settings", around=Surroundings({}, work), by="bench")
    run = work_until_ended(opened, request_run(org=ORG, wanted=Wanted(), by="bench").pk)
    assert run.state == "done", (run.state, run.error)
    return {"requests": stored_result(run).requests}


def _map(work: Path) -> dict[str, Any]:
    """A dry run reads the categories; then they are decided about. Tells their number."""
    opened = setup(work / "data")
    work_until_ended(opened, request_grades(org=ORG, sections=[SECTION], by="b", wanted=GradesWanted(dry_run=True)).pk)
    row = GradeSection.objects.get(code=SECTION)
    chosen: dict[str, str | None] = {each["id"]: "hw" for each in row.seen["lms"]}
    decide_categories(org=ORG, section=SECTION, chosen=chosen, by="bench")
    return {"categories": len(chosen)}


def _sync(work: Path, data: str, record: str = "", again: int = 0) -> dict[str, Any]:
    """The first sync of the section and `again` more of them, in a process that has imported everything before."""
    opened = setup(work / data)
    warm = work_until_ended(opened, request_run(org=ORG, wanted=Wanted(kinds=("setup",), dry_run=True), by="b").pk)
    assert warm.state == "planned", warm.error
    sent: list[list[Any]] = []
    if record:
        _record(sent)
    told = [_timed(opened) for _ in range(1 + again)]
    if record:
        (work / record).write_text(json.dumps(sent), encoding="utf-8")
    return {"first": told[0], "again": told[1:]}


def _timed(opened: Any) -> dict[str, Any]:
    """One sync from the moment it is asked for until it has ended."""
    wall, cpu = time.perf_counter(), time.process_time()
    run: Run = work_until_ended(opened, request_grades(org=ORG, sections=[SECTION], by="bench").pk)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert run.state == "done", (run.state, run.error)
    result = stored_result(run)
    changes = sum(counts[word] for counts in result.kinds.values() for word in ("create", "update", "remove"))
    return {"wall_s": round(wall, 3), "cpu_s": round(cpu, 3), "changes": changes, "seconds": result.seconds,
            "requests": result.requests}  # fmt: skip


def _record(sent: list[list[Any]]) -> None:
    """Write down every write to the SIS, as it leaves."""
    send = Wire.send

    def recorded(self: Wire, method: str, url: str, headers: Any, body: bytes, **more: Any) -> Any:
        if method in _WRITES:
            sent.append([method, url, base64.b64encode(body).decode()])
        return send(self, method, url, headers, body, **more)

    Wire.send = recorded  # of this process alone


def _bare(work: Path, sis: str, record: str, parallel: int) -> dict[str, Any]:
    """The same calls with the same bodies, as many at a time; line items before their results."""
    calls = [(method, url, base64.b64decode(body)) for method, url, body in json.loads((work / record).read_text())]
    limits = httpx2.Limits(max_connections=parallel + 1, max_keepalive_connections=parallel + 1)
    with httpx2.Client(trust_env=False, limits=limits, timeout=60.0) as client:
        wall, cpu = time.perf_counter(), time.process_time()
        headers = {**BareSis(sis, client).headers, "content-type": "application/json"}

        def send(call: tuple[str, str, bytes]) -> int:
            method, url, body = call
            return client.request(method, url, content=body, headers=headers).raise_for_status().status_code

        with ThreadPoolExecutor(parallel) as pool:
            for _, group in groupby(calls, key=lambda call: call[1].rsplit("/", 2)[1]):
                _all(pool, send, list(group))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall_s": round(wall, 3), "cpu_s": round(cpu, 3), "calls": len(calls)}


def _all(pool: ThreadPoolExecutor, send: Any, calls: Sequence[Any]) -> None:
    assert all(200 <= status < 300 for status in pool.map(send, calls))


def fresh(work: Path, name: str) -> None:
    """A copy of the data folder, so that every time is the first time."""
    shutil.rmtree(work / name, ignore_errors=True)
    shutil.copytree(work / "data", work / name)


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
