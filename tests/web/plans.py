"""What the tests of plan, holds and undo share: changes over night, worked queues, a large plan without a sync."""

from __future__ import annotations

import functools
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from rollbook.connectors.memory.space import Space
from rollbook.core.duck import connect, write_parquet
from rollbook.core.stored import Group, StoredPlan
from rollbook.engine.waiting import work_until_ended
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.ids import new_run_id
from rollbook.store.models import FactRow, Organization, Run, RunState
from rollbook.web.steps import DATA_PREP
from tests.web.world import import_maple


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of Django's client know what their page was made of."""
    from django.template import Template
    from django.test.utils import instrumented_test_render

    monkeypatch.setattr(Template, "_render", instrumented_test_render)


NO_REMOVALS = "limits: {remove: {percent: 0, from: 1}}\n"
FORMULA = '=HYPERLINK("https://evil.example")'


def data_prep_done() -> None:
    """Data Prep of maple was looked at, so that plans may be sent."""
    FactRow.objects.create(organization=Organization.objects.get(slug="maple"), name=DATA_PREP, value="looked")


def work(folder: DataFolder) -> list[Run]:
    """Work everything that is queued; the runs as they ended."""
    queued = list(Run.objects.filter(state=RunState.QUEUED))
    return [work_until_ended(folder, run.pk) for run in queued]


def rename(world: Space, *names: str) -> list[str]:
    """Rename the first students; their ids."""
    users = [dict(row) for row in world.rows["users"]]
    students = [row for row in users if row["role"] == "student"][: len(names)]
    for row, name in zip(students, names, strict=True):
        row["givenName"] = name
    world.rows["users"] = users
    return [row["sourcedId"] for row in students]


def first_name(world: Space, key: str) -> str:
    return str(next(one for one in world.all("user") if one.code == key).fields["first_name"])


def lose_students(world: Space) -> None:
    """One section loses its students over night."""
    rows = [dict(row) for row in world.rows["enrollments"]]
    students = [row for row in rows if row["role"] == "student"]
    lost = {row["sourcedId"] for row in students if row["classSourcedId"] == students[0]["classSourcedId"]}
    world.rows["enrollments"] = [row for row in rows if row["sourcedId"] not in lost]


def forbid_removals(world: Space) -> None:
    """From now on, every removal waits for a person."""
    import_maple(world.name, more=NO_REMOVALS)


def large_plan(folder: DataFolder, number: int) -> Run:
    """A dry run of maple whose plan updates so many users: two schools in turns, every third one held."""
    organization = Organization.objects.get(slug="maple")
    with TemporaryDirectory(dir=folder.work) as scratch:
        path = Path(scratch) / "plan-user.parquet"
        path.write_bytes(_large_plan_file(number))
        key = open_blobs(folder).put(path)
    sent = number - (number + 2) // 3
    plan = StoredPlan(
        digest="d" * 32,
        ledger_version=0,
        settings_digest="x",
        files={"user": key},
        groups=[Group("user", "update", 0, sent, 1000)],
    )
    return Run.objects.create(
        id=new_run_id(), organization=organization, state=RunState.PLANNED, dry_run=True, kinds=["user"],
        requested_by="test", plan=msgspec.to_builtins(plan), result={"state": "planned"},
    )  # fmt: skip


@functools.cache
def _large_plan_file(number: int) -> bytes:
    name = """{"first_name": "%s", "last_name": "Name' || range || '"}"""
    query = f"""
        SELECT row_number() OVER (ORDER BY state DESC, n) - 1 AS seq, * EXCLUDE n FROM (
            SELECT range AS n, 'user' AS kind, 'update' AS action, 'u' || range AS key,
                   CAST(NULL AS VARCHAR) AS new_key, 'school ' || range % 2 AS school, CAST(NULL AS VARCHAR) AS year,
                   'lms' || range AS lms_id, '{name % "Old"}' AS before, '{name % "New"}' AS after,
                   CASE WHEN range % 3 = 0 THEN 'held' ELSE 'send' END AS state,
                   CASE WHEN range % 3 = 0 THEN 'hold:h1' END AS reason
            FROM range({number})) ORDER BY seq"""
    with TemporaryDirectory() as scratch, connect() as db:
        path = Path(scratch) / "plan-user.parquet"
        write_parquet(db, query, path, rows=16_384)
        return path.read_bytes()
