"""Lands one day of a district once or more in a practice Moodle; tells what it saw."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from rollbook.connectors.base import Context, Target
from rollbook.connectors.kit import parse
from rollbook.connectors.moodle import CONNECTOR
from rollbook.pipeline.roster_run import roster_run
from rollbook.testing.world import MemoryWorld, NeverCancelled
from tests.bench.river import context, csv_source, request, settings

_ROLES = {"*": {"student": "student", "teacher": "editingteacher", "*": "skip"}}


def main(url: str, day: str, work: str, runs: int = 2, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """`options` are those of the connection, beside address and token."""
    folder = Path(work)
    world = MemoryWorld(folder / "world")
    given = {"base_url": url, "token": "practice", "root_category": 1, **(options or {})}
    with httpx2.Client(base_url=url, trust_env=False, timeout=60.0) as control:
        return {"runs": [_run(Path(day), world, given, control) for _ in range(runs)]}


def _run(day: Path, world: MemoryWorld, given: dict[str, Any], control: httpx2.Client) -> dict[str, Any]:
    """Each run has a target of its own, as workers do."""
    assert CONNECTOR.target is not None
    options = parse(CONNECTOR.options, given)
    target: Target = CONNECTOR.target(options, _context(world.folder / "lms"))
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
        "undone": sum(1 for row in calls if row[3] == "dmlwriteexception"),
        "writes": sum(1 for row in calls if "_get_" not in row[2]),
        "done": {kind: counts["done"] for kind, counts in result.kinds.items()},
        "left": {kind: {name: counts[name] for name in ("refused", "unknown", "waiting", "held") if counts[name]}
                 for kind, counts in result.kinds.items()},
        "seconds": result.seconds,
    }  # fmt: skip


class _Waits(NeverCancelled):
    """Waits as long as a real run does."""

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


def _context(work: Path) -> Context:
    return replace(context(work), cancel=_Waits())


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
