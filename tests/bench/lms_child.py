"""Lands days of a district, one after the other, in a practice LMS by the Schoology connector; tells what it saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx2

from rollbook.connectors.base import Target
from rollbook.connectors.kit import parse
from rollbook.connectors.schoology import CONNECTOR
from rollbook.core.stored import StoredPlan
from rollbook.pipeline.roster_run import roster_run
from rollbook.roster.lms import ADOPT, REMOVE
from rollbook.testing.world import MemoryWorld
from tests.bench.river import context, csv_source, request, settings

_WRITES = ("POST ", "PUT ", "DELETE ")


def main(url: str, days: list[str], work: str, options: dict[str, Any]) -> dict[str, Any]:
    folder = Path(work)
    world = MemoryWorld(folder / "world")
    given = {"base_url": f"{url}/v1", "key": "practice", "secret": "practice", **options}
    assert CONNECTOR.target is not None
    target = CONNECTOR.target(parse(CONNECTOR.options, given), context(folder / "lms"))
    try:
        with httpx2.Client(base_url=url, trust_env=False, timeout=60.0) as control:
            return {"days": [_day(Path(day), world, target, control) for day in days]}
    finally:
        target.close()


def _day(day: Path, world: MemoryWorld, target: Target, control: httpx2.Client) -> dict[str, Any]:
    control.post("/_practice/reset-counters").raise_for_status()
    source = csv_source(day, world.folder / "sis")
    version = world.ledger.version.number
    asked = request(settings("schoology"), dry_run=False)
    result = roster_run(asked, world.world(source, target), lambda name, work: work())
    assert result.plan is not None
    seen = control.get("/_practice/requests").raise_for_status().json()
    return {
        "state": result.state,
        "changes": sum(group.count for group in result.plan.groups if group.action != ADOPT),
        "groups": _groups(result.plan),
        "least": _least(result.plan, target),
        "writes": sum(number for call, number in seen["attempts"].items() if call.startswith(_WRITES)),
        "calls": dict(sorted(seen["attempts"].items())),
        "refused_calls": seen["refused"],
        "span": seen["write_span"],
        "left": _left(result.kinds),
        "ledger_versions": world.ledger.version.number - version,
        "seconds": result.seconds,
    }


def _groups(plan: StoredPlan) -> dict[str, dict[str, int]]:
    """Changes to be sent, by kind and action."""
    found: dict[str, dict[str, int]] = {}
    for group in plan.groups:
        if group.action != ADOPT:
            found.setdefault(group.kind, {})[group.action] = group.count
    return found


def _least(plan: StoredPlan, target: Target) -> int:
    """The least number of calls: per kind, upserts and removals, each filled up to what the LMS takes in one call (50;
    buildings and grading periods have no bulk call)."""
    calls = 0
    for kind, actions in _groups(plan).items():
        bulk = target.traits.bulk[kind]
        removals = actions.get(REMOVE, 0)
        upserts = sum(actions.values()) - removals
        calls += -(-upserts // bulk) + -(-removals // bulk)
    return calls


def _left(kinds: dict[str, dict[str, int]]) -> dict[str, int]:
    """Rows that a later run may take up again."""
    names = ("held", "waiting", "refused", "unknown")
    return {name: sum(numbers[name] for numbers in kinds.values()) for name in names}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
