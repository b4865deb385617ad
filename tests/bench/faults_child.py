"""Runs some of the pairs of faults in a process of its own: each so-maniest pair, from a place on."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import fault_table
from tests.fault_table import SIS_WAYS, Case
from tests.fault_world import FaultWorld, State, fault_world, missing

Sided = tuple[str, Case]


def pairs() -> list[tuple[Sided, Sided]]:
    """Two of a side or one of each, each fault as the table has it first; those that need their own options are left
    out."""
    sides = {"sis": fault_table.SIS, "lms": fault_table.LMS}
    plain: list[Sided] = []
    for side, cases in sides.items():
        names: set[str] = set()
        for case in cases:
            usual = case.version == "1.1" and not case.options and not case.also and case.name not in SIS_WAYS
            if usual and case.name not in names:
                names.add(case.name)
                plain.append((side, case))
    return list(itertools.combinations(plain, 2))


def _tried(world: FaultWorld, first: State, second: State, both: tuple[Sided, Sided]) -> dict[str, Any]:
    world.reset()
    on: dict[str, list[str]] = {"sis": [], "lms": []}
    same_side = both[0][0] == both[1][0]
    for side, case in both:
        # Two bursts on one call would be more than the three failures that are promised to pass.
        on[side].append(re.sub(r"times=\d+", "times=1", case.fault) if same_side else case.fault)
    world.faults(**on)
    ended = world.run(compare_live=bool(on["lms"]))
    state = world.state()
    removed = len(missing(first, state) - missing(first, second))
    world.lift()
    differs = False
    if not (world.as_before() and state == first):
        again = world.run()
        differs = again.state != "done" or world.state() != second
    return {
        "faults": [f"{side} {fault}" for side, faults in on.items() for fault in faults],
        "end": ended.state,
        "words": f"{ended.error} {ended.words}".strip()[:200],
        "passing": all(case.end == "same" for _, case in both),
        "same": ended.state == "done" and state == second,
        "removed": removed,
        "differs": differs,
    }


def _all(work: Path, students: int, place: int, step: int) -> Iterator[dict[str, Any]]:
    with fault_world(work, students=students) as world:
        first = world.state()
        world.reset()
        assert world.run(compare_live=True).state == "done"
        second = world.state()
        for both in pairs()[place::step]:
            yield _tried(world, first, second, both)


def main(arguments: dict[str, Any]) -> None:
    work = Path(arguments.pop("work"))
    print(json.dumps({"pairs": list(_all(work, **arguments))}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
