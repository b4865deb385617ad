"""A wall clock that is set back, a disk that is full in the middle of a run, a database that goes away: clear words,
nothing lost, and the same state in the end."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from rollbook.store.models import Run
from tests.postgres import Server
from tests.reliability.campaign import Seen, judge, look_again
from tests.reliability.nursery import Nursery
from tests.reliability.pair import until
from tests.reliability.world import Day, World, world


def assert_as_quiet(org: World, run: Run, usual: Day, deaths: int = 0) -> None:
    seen = Seen()
    judge(org, run, usual, 0, ["apply"] * deaths, seen)
    look_again(org, seen)
    assert not seen.wrong()


@pytest.mark.parametrize("stage", ["extract", "plan", "settle"])
def test_a_clock_that_is_set_back(
    tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery, stage: str
) -> None:
    with world(tmp_path / "data", days[0], nursery) as org:
        run = org.request()
        code, _ = org.work(run, trouble={"clock": {"hours": 1, "stage": stage}})
        assert code == 0
        run = Run.objects.get(pk=run.pk)
        assert run.state == "done", run.error
        assert_as_quiet(org, run, twin[0])


# --- a full disk ------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """A file system of its own where this process may make one; else False: then full is what says it is full."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(place)]
    real = hasattr(os, "geteuid") and os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
    try:
        yield real
    finally:
        if real:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize(
    ("stage", "real"), [("stage", True), ("settle", True), ("plan", False), ("settle", False)],
    ids=["stage-disk", "settle-disk", "plan-calls", "settle-calls"],
)  # fmt: skip
def test_a_disk_that_is_full(
    tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery, stage: str, real: bool
) -> None:
    with small_disk(tmp_path / "disk") as mounted, world(tmp_path / "disk" / "data", days[0], nursery) as org:
        filler = tmp_path / "disk" / "filler"
        run = org.request()
        full = {"filler": str(filler), "real": real and mounted, "stage": stage}
        worker = org.start(run, trouble={"full": full}, note=str(tmp_path / "note"))
        until(filler.exists)
        if full["real"]:
            time.sleep(1.5)
        else:
            until(lambda: Run.objects.get(pk=run.pk).ended)
        filler.unlink()
        assert worker.wait() == 0
        run = Run.objects.get(pk=run.pk)
        if not full["real"]:  # else the database is full as well, and the run goes on by itself
            assert (run.state, run.error_name) == ("failed", "DiskFull"), run.error
        if run.state == "failed":
            assert "disk" in run.error
            assert "makes room" in run.error_who
            run, _ = org.sync()
        assert_as_quiet(org, run, twin[0], deaths=1)


# --- a database that goes away ----------------------------------------------------------------------------------------


@contextmanager
def locked(org: World) -> Iterator[None]:
    """Somebody else holds the SQLite database."""
    other = sqlite3.connect(org.folder.database, isolation_level=None)
    try:
        other.execute("PRAGMA busy_timeout = 30000")
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("COMMIT")
    finally:
        other.close()


@contextmanager
def gone(server: Server) -> Iterator[None]:
    """PostgreSQL ends all connections to the database and takes no new ones."""
    name = urlsplit(os.environ["DATABASE_URL"]).path.removeprefix("/")
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("sent", [0, 4], ids=["planning", "applying"])
def test_a_database_that_goes_away(
    request: pytest.FixtureRequest, tmp_path: Path, days: list[Path], twin: list[Day], nursery: Nursery, kind: str,
    sent: int,
) -> None:  # fmt: skip
    server: Server | None = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
    with world(tmp_path / "data", days[0], nursery, url=server.create() if server else "") as org:
        org.faults({"name": "slow", "seconds": 0.3, "method": "POST"})
        run = org.request()
        worker = org.start(run, trouble={"patience": 1.0})
        until(lambda: org.writes() >= sent if sent else Run.objects.get(pk=run.pk).progress is not None)
        with locked(org) if server is None else gone(server):
            time.sleep(3)  # beyond the patience
        org.faults()
        assert worker.wait() == 0
        from django.db import connections

        connections.close_all()
        run = Run.objects.get(pk=run.pk)
        assert run.state == "done", run.error
        assert_as_quiet(org, run, twin[0], deaths=2)
