"""`rollbook worker` and `rollbook up` as real processes: they work the queue, mind the clock and deliver notices."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from tests.cli.kit import check_schema, open_store
from tests.cli.processes import CONFIG, World
from tests.post import Receiver, webhook_receiver

SCHEDULED = """
schedule: {mode: scheduled, every: daily, window: "00:00-03:00"}
notices: {webhooks: [{url: "HOOK", secret: a-secret-of-the-webhook}]}
"""


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, days: list[Path], hook: Receiver, database: str) -> Iterator[World]:
    """An organization with a schedule, whose notices go to `hook`."""
    with serve(create_sis(days[0])) as sis, serve(create_lms()) as lms:
        settings = tmp_path / "maple.yaml"
        settings.write_text(CONFIG.format(sis=sis.url, lms=lms.url) + SCHEDULED.replace("HOOK", hook.url))
        found = World(tmp_path, lms.url)
        try:
            found.run("config", "import", str(settings), schema="config-import")
            yield found
        finally:
            found.stop()


def until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.1)


def make_due(world: World) -> None:
    """As if the schedule had been saved two days ago."""
    from rollbook.store.models import ScheduleRow

    with open_store(world.folder / "data"):
        row = ScheduleRow.objects.get()
        row.since -= timedelta(days=2)
        row.look_at = row.since
        row.save()


def states(world: World) -> list[str]:
    from rollbook.store.models import Run

    with open_store(world.folder / "data"):
        return list(Run.objects.order_by("created_at").values_list("state", flat=True))


def test_a_worker_minds_the_clock_and_delivers_notices(world: World, hook: Receiver) -> None:
    world.ask("/_practice/faults", {"on": ["forbidden:method=POST"]})
    make_due(world)
    worker = world.start("worker")
    until(lambda: hook.requests)
    assert states(world) == ["failed"]
    assert "grant" in json.dumps(hook.bodies()[0])
    world.ask("/_practice/faults", {"clear": True})
    asked = world.run("sync", "maple")
    assert asked["state"] == "done"
    until(lambda: len(hook.requests) == 2)
    assert states(world) == ["failed", "done"], "a window is used once"
    worker.send_signal(signal.SIGTERM)
    said, _ = world.end(worker, 0)
    check_schema("worker", said)


def test_up_is_web_and_worker_in_one_process(world: World) -> None:
    make_due(world)
    up = world.start_anew("up", "--port", "0")
    said = _answered(up)
    check_schema("up", said)
    assert said["set_up"].startswith(said["address"] + "/invitation/")
    assert _status(said["set_up"]) == 200
    assert _status(said["address"] + "/healthz") == 200
    until(lambda: states(world) == ["done"])
    until(lambda: _ready(said["address"]))
    up.send_signal(signal.SIGTERM)
    _, err = up.communicate(timeout=60)
    assert up.returncode == 0, err


def _answered(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The one JSON document of a process that goes on."""
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while lines[-1] not in ("}\n", ""):
        lines.append(process.stdout.readline())
    found: dict[str, Any] = json.loads("".join(lines))
    return found


def _ready(address: str) -> bool:
    """A heart that missed a beat on a busy machine beats again."""
    try:
        return _status(address + "/readyz") == 200
    except HTTPError as error:
        if error.code != 503:
            raise
        return False


def _status(url: str) -> int:
    with urllib.request.urlopen(url) as answer:
        return int(answer.status)
