"""Parts of the bench `pages`: sync a district into a data folder, add past runs, ask for every page."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

ORG = "bench"
SETTINGS = """
organization: {{slug: bench, name: Bench, timezone: America/New_York}}
sis: {{connector: oneroster_csv, options: {{path: {day}}}}}
lms: {{connector: memory, options: {{space: bench, key: memory}}}}
active_year: "2027"
schools: {{"*": create}}
terms: {{"*": {{"*": create}}}}
roles: {{"*": {{student: Student, teacher: Teacher, guardian: Parent, parent: Parent, "*": skip}}}}
users: {{passwords: none}}
live: {{compare: never}}
limits: {{remove: {{percent: 100, from: 1}}, update: {{percent: 100, from: 1}}, create: {{percent: 100, from: 1}}}}
"""


def main(what: str, data: str, **given: Any) -> dict[str, Any]:
    import rollbook.web  # noqa: F401 - the settings of the pages come first
    from rollbook.store.setup import setup

    folder = setup(Path(data))
    return {"load": _load, "fill": _fill, "ask": _ask}[what](folder, **given)


# --- a big organization -----------------------------------------------------------------------------------------------


def _load(folder: Any, day: str) -> dict[str, Any]:
    from rollbook.actions.runs import Wanted, request_run
    from rollbook.actions.secret_texts import Surroundings
    from rollbook.actions.settings import import_settings
    from rollbook.engine.waiting import work_until_ended
    from rollbook.engine.world import Doors
    from rollbook.store.runs import stored_result
    from tests.bench.river import YesTarget

    target = YesTarget()
    Doors.target = lambda doors: target  # type: ignore[method-assign] # of this process alone
    import_settings(SETTINGS.format(day=day), name=ORG, around=Surroundings({}, folder.path), by="bench")
    run = work_until_ended(folder, request_run(org=ORG, wanted=Wanted(), by="bench").pk)
    assert run.state in ("done", "held"), (run.state, run.error)
    result = stored_result(run)
    return {"state": run.state, "kinds": result.kinds, "findings": sum(result.findings.values())}


def _fill(folder: Any, runs: int) -> dict[str, Any]:
    """Past runs of every kind and end, each as the first sync left them; holds, refusals, audit rows."""
    from django.utils import timezone

    from rollbook.roster.lms import RUN_KINDS
    from rollbook.store.ids import new_run_id
    from rollbook.store.models import AuditRow, HoldRow, RefusalRow, Run

    first, now = Run.objects.get(), timezone.now()
    kinds, states = list(RUN_KINDS.values()), ("done", "held", "planned", "failed", "done")
    made = [
        Run(
            id=new_run_id(), organization_id=first.organization_id, state=states[place % 5], kinds=kinds[place % 5],
            dry_run=states[place % 5] == "planned", requested_by="bench", settings_id=first.settings_id,
            plan=first.plan, result=first.result, error="it failed" if states[place % 5] == "failed" else "",
        )
        for place in range(runs)
    ]  # fmt: skip
    Run.objects.bulk_create(made, batch_size=100)
    for place, run in enumerate(made):
        at = now - timedelta(hours=place + 1)
        Run.objects.filter(pk=run.pk).update(created_at=at, started_at=at, ended_at=at + timedelta(minutes=9))
    words = {"reason": "limit", "kind": "user", "action": "update", "count": 500, "of": 900}
    for place, run in enumerate(made[:300]):
        state = "waiting" if place == 1 else "superseded"
        HoldRow.objects.create(
            organization_id=first.organization_id, run=run, hold=f"hold{place}", state=state, **words
        )
    refused = {"organization_id": first.organization_id, "kind": "user", "digest": "d", "first": now, "runs": 4}
    RefusalRow.objects.bulk_create(
        RefusalRow(key=f"key{place}", message=f"message {place % 20}", **refused) for place in range(2000)
    )
    AuditRow.objects.bulk_create(
        AuditRow(by="bench", action="request sync", organization=ORG, subject=run.pk) for run in made
    )
    return {"runs": len(made)}


# --- its pages --------------------------------------------------------------------------------------------------------


def _ask(folder: Any, times: int) -> dict[str, Any]:
    from rollbook.store.models import Run
    from rollbook.web.opening import open_pages
    from tests.web.people import make_person

    open_pages(folder)
    person = make_person("Ann Acting", org=ORG, acting=True)
    person.client.raise_request_exception = False
    big = Run.objects.order_by("created_at").filter(intents__isnull=False).distinct().get()
    parts = {"slug": ORG, "run": big.pk, "hold": "hold1", "org": ORG, "token": "x", "number": person.account.pk}
    some = _some_of_the_lms(folder, big)
    taken: dict[str, list[float]] = {name: [] for name in _pages()}
    status: dict[str, int] = {}
    for _ in range(times):
        for name in taken:
            start = time.perf_counter()
            answer = person.client.get(_address(name, parts | some.get(name, {})))
            if answer.streaming:
                next(iter(answer.streaming_content), b"")
            taken[name].append((time.perf_counter() - start) * 1000)
            status[name] = answer.status_code
            answer.close()
    return {"pages": {name: _told(each, status[name]) for name, each in taken.items()}}


def _some_of_the_lms(folder: Any, run: Any) -> dict[str, dict[str, str]]:
    """For addresses that name a person or a section: one that was synced."""
    from rollbook.core.duck import connect, quote
    from rollbook.store.blobs import open_blobs
    from rollbook.store.ledger import current_version

    files = current_version(run.organization_id).files
    found = {}
    with connect() as db:
        for kind in ("user", "section"):
            path = open_blobs(folder).get(files[kind])
            row = db.execute(f"SELECT key, lms_id FROM read_parquet({quote(path)}) OFFSET 10 LIMIT 1").fetchone()
            assert row is not None
            found[kind] = row
    search = "o/<slug:slug>/search/"
    return {
        f"{search}person/sis/<path:number>/": {"number": found["user"][0]},
        f"{search}person/lms/<path:number>/": {"number": found["user"][1]},
        f"{search}section/<path:number>/": {"number": found["section"][0]},
    }


def _told(taken: list[float], status: int) -> dict[str, Any]:
    p95 = statistics.quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
    told = {"p95_ms": p95, "median_ms": statistics.median(taken), "first_ms": taken[0], "most_ms": max(taken)}
    return {**{name: round(value, 1) for name, value in told.items()}, "status": status}


def _pages() -> Iterator[str]:
    """The addresses of the organization's pages that can be looked at."""
    from django.urls import get_resolver

    from tests.web.test_permissions import _ours

    for pattern, page in _ours(get_resolver().url_patterns):
        if pattern.startswith("o/<slug:slug>/") and page.callback.rule.read is not None:
            yield pattern


def _address(pattern: str, parts: dict[str, Any]) -> str:
    import re

    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: str(parts[part[1]]), pattern)


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
