"""What Prometheus is told, and to whom."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rollbook.connectors.memory.space import Space
from tests.cli.conftest import days, rollbook, world
from tests.cli.kit import Command, open_store
from tests.web.asking import Site
from tests.web.conftest import serving

__all__ = ["days", "rollbook", "world"]
TOKEN = "a-token-for-prometheus"


@pytest.fixture
def worked(rollbook: Command, world: Space) -> Iterator[Site]:
    """Two syncs, one of them refused; one run queued; one hold."""
    rollbook("sync", "maple")
    world.key = "another"
    rollbook("sync", "maple", code=1)
    with open_store(rollbook.data) as folder:
        from rollbook.actions.runs import Wanted, request_run

        request_run(org="maple", wanted=Wanted(), by="test")
        with serving(folder) as site:
            yield site


def _samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ROLLBOOK_METRICS_TOKEN", TOKEN)
    return f"Bearer {TOKEN}"


def test_the_figures(worked: Site, token: str) -> None:
    page = worked.get("/metrics", Authorization=token)
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/plain")
    found = _samples(page.text)
    assert found["rollbook_runs", ("maple", "done")] == 1
    assert found["rollbook_runs", ("maple", "failed")] == 1
    assert found["rollbook_runs", ("maple", "queued")] == 1
    assert found["rollbook_queue_length", ()] == 1
    assert found["rollbook_queue_oldest_age_seconds", ()] >= 0
    assert found["rollbook_run_duration_seconds_count", ("maple",)] == 2
    assert found["rollbook_run_duration_seconds_sum", ("maple",)] > 0
    assert found["rollbook_last_success_timestamp_seconds", ("maple",)] > 1.7e9
    assert found["rollbook_last_run_stage_seconds", ("maple", "extract")] >= 0
    assert found["rollbook_requests_total", ("maple", "sis")] > 0
    assert found["rollbook_requests_total", ("maple", "lms")] > 0
    assert found["process_resident_memory_bytes", ()] > 1e6


def test_nobody_is_named(worked: Site, world: Space, token: str) -> None:
    text = worked.get("/metrics", Authorization=token).text
    assert not [row["familyName"] for row in world.rows["users"] if row["familyName"] in text]


def test_workers_and_holds_and_notices(worked: Site, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    seen = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    monkeypatch.setattr("rollbook.store.workers.alive", lambda: 3)
    monkeypatch.setattr("rollbook.store.workers.last_seen", lambda: {"w1": seen})
    _hold_and_notice()
    found = _samples(worked.get("/metrics", Authorization=token).text)
    assert found["rollbook_workers_alive", ()] == 3
    assert found["rollbook_worker_last_seen_timestamp_seconds", ("w1",)] == seen.timestamp()
    assert found["rollbook_holds_waiting", ("maple",)] == 1
    assert found["rollbook_notices", ("failed",)] == 1


def _hold_and_notice() -> None:
    from django.utils import timezone

    from rollbook.store.models import HoldRow, NoticeRow, Organization, Run

    organization, run = Organization.objects.get(), Run.objects.first()
    assert run is not None
    HoldRow.objects.create(
        organization=organization, run=run, hold="h1", reason="limit", kind="user", action="update", count=1, of=1
    )
    NoticeRow.objects.create(
        id="n1", organization=organization, key="k", events="test", content={}, channel="email", to="a@b.example",
        state="failed", next_at=timezone.now(), created_at=timezone.now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"]
)
def test_another_token_is_refused(site: Site, token: str, given: str) -> None:
    page = site.get("/metrics", Authorization=given.encode().decode("latin-1"))
    assert (page.status, page.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "rollbook_" not in page.text


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer anything"])
def test_without_a_token_of_its_own_there_is_nothing(site: Site, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROLLBOOK_METRICS_TOKEN", raising=False)
    assert site.get("/metrics", Authorization=given).status == 404


def test_several_at_once(worked: Site, token: str) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(worked.get("/metrics", Authorization=token).status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rollbook.cli", "web", "--port", "0", "--data", str(tmp_path), "--json"]
    environment = os.environ | {"ROLLBOOK_LOG_FORMAT": "json"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        import json

        from tests.cli.kit import check_schema

        try:
            document = json.loads("".join([*iter(child.stdout.readline, "}\n"), "}"]))
            check_schema("web", document)
            assert Site(document["address"]).get("/healthz").status == 200
        finally:
            child.terminate()  # nobody waits for a child that was not told
        _, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    assert all(json.loads(line)["logger"] == "uvicorn.error" for line in err.splitlines())


def test_a_taken_port_is_said(site: Site, rollbook: Command) -> None:
    port = site.address.rpartition(":")[2]
    error = rollbook("web", "--port", port, schema="error", code=2)
    assert "cannot be used" in error["error"]["message"]
