"""Lands one day of a district twice in a practice Moodle; tells what it saw."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from rollbook.connectors.base import Target
from rollbook.connectors.kit import parse
from rollbook.connectors.moodle import CONNECTOR
from rollbook.pipeline.roster_run import roster_run
from rollbook.testing.world import MemoryWorld
from tests.bench.river import context, csv_source, request, settings

_ROLES = {"*": {"student": "student", "teacher": "editingteacher", "*": "skip"}}


def main(url: str, day: str, work: str) -> dict[str, Any]:
    folder = Path(work)
    world = MemoryWorld(folder / "world")
    with httpx2.Client(base_url=url, trust_env=False, timeout=60.0) as control:
        return {"runs": [_run(Path(day), world, url, control) for _ in range(2)]}


def _run(day: Path, world: MemoryWorld, url: str, control: httpx2.Client) -> dict[str, Any]:
    """Each run has a target of its own, as workers do."""
    assert CONNECTOR.target is not None
    options = parse(CONNECTOR.options, {"base_url": url, "token": "practice", "root_category": 1})
    target: Target = CONNECTOR.target(options, context(world.folder / "lms"))
    before = len(_calls(control))
    source = csv_source(day, world.folder / "sis")
    asked = request(settings("moodle", roles=_ROLES), dry_run=False)
    started = time.time()
    try:
        result = roster_run(asked, world.world(source, target), lambda name, work: work())
    finally:
        target.close()
    ended = time.time()
    calls = _calls(control)[before:]
    under_way = _under_way([(row[0], row[1]) for row in calls])
    return {
        "state": result.state,
        "wall": round(ended - started, 2),
        "idle": 1 - under_way / (ended - started),
        "calls": len(calls),
        "writes": sum(1 for row in calls if "_get_" not in row[2]),
        "done": {kind: counts["done"] for kind, counts in result.kinds.items()},
        "left": {kind: {name: counts[name] for name in ("refused", "unknown", "waiting", "held") if counts[name]}
                 for kind, counts in result.kinds.items()},
        "seconds": result.seconds,
    }  # fmt: skip


def _calls(control: httpx2.Client) -> list[list[Any]]:
    """Each call as start, end (seconds of the practice Moodle's clock), function, and more."""
    found = control.get("/_practice/requests").raise_for_status().json()["calls"]
    assert isinstance(found, list)
    return found


def _under_way(spans: list[tuple[float, float]]) -> float:
    """Seconds in which at least one call was."""
    seconds, until = 0.0, 0.0
    for start, end in sorted(spans):
        seconds += max(0.0, end - max(start, until))
        until = max(until, end)
    return seconds


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
