"""Real processes send grades over HTTP and are killed midway: the next one goes on, and nothing is there twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from tests.cli.processes import CONFIG, World
from tests.cli.test_grades_http import Lms, class_of, results
from tests.verification.sis_client import SisClient


@pytest.fixture
def town(tmp_path: Path, days: list[Path]) -> Iterator[tuple[World, SisClient]]:
    categories = "sourcedId,status,dateLastModified,title\nhw,,,Homework\n"
    (days[0] / "categories.csv").write_text(categories)
    client = httpx2.Client(trust_env=False, timeout=60)
    with serve(create_sis(days[0])) as sis, serve(create_lms()) as lms, client as http:
        # Who takes over waits as long as the dead process's last call to the SIS may be under way.
        config = CONFIG.format(sis=sis.url, lms=lms.url)
        config = config.replace("secret: practice}}", "secret: practice, timeout: 3}}", 1)
        (tmp_path / "maple.yaml").write_text(config)
        found = World(tmp_path, lms.url)
        try:
            found.run("config", "import", str(tmp_path / "maple.yaml"), schema="config-import")
            found.run("sync", "maple")
            yield found, SisClient(sis.url, "1.1", http)
        finally:
            found.stop()
            (days[0] / "categories.csv").unlink()


def _writes(sis: SisClient) -> int:
    attempts: dict[str, Any] = sis.http.get(f"{sis.url}/_practice/requests").json()["attempts"]
    return sum(number for name, number in attempts.items() if name.startswith("PUT"))


@pytest.mark.parametrize("own_ids", [False, True])
def test_a_killed_run_goes_on_where_it_was(town: tuple[World, SisClient], *, own_ids: bool) -> None:
    world, sis = town
    code, students = class_of(sis)
    lms = Lms(world.lms, code)
    category = lms.category("Homework")
    wanted = {}
    for number in range(4):
        item = lms.item(f"Item {number}", max_points=10, due="2026-11-02", grading_category=category)
        for student in students:
            lms.grade(item, student, number)
            wanted[f"Item {number}", student] = ("fully graded", number)
    world.run("grades", "plan", "maple", "--section", code)
    world.run("grades", "map", "maple", "--section", code, "--set", "Homework=hw", schema="grades-map")
    slow = {"name": "slow", "seconds": 0.15, "method": "PUT"}
    sis.control("faults", on=[slow, *(["own_item_id"] if own_ids else [])])
    for least in (3, 8):
        process = world.start("grades", "sync", "maple", "--section", code)
        _wait(lambda enough=least: _writes(sis) >= enough)
        process.kill()
        process.communicate()
    sis.control("faults", off=["slow"])
    run = world.run("grades", "sync", "maple", "--section", code)
    assert run["state"] == "done"
    shown = results(sis, code)
    assert {place: (status, score) for place, (status, score) in shown.items()} == wanted
    titles = Counter(one["title"] for one in sis.items(f"/classes/{code}/lineItems", "gradebook", limit=999))
    assert set(titles.values()) == {1}
    again = world.run("grades", "sync", "maple", "--section", code)
    assert all(not counts[word] for counts in again["kinds"].values() for word in ("create", "update", "adopt", "held"))
    lms.close()


def _wait(met: Any) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline, "the run sent nothing"
        time.sleep(0.02)
