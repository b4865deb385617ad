"""Runs some pairs of faults, or further doses of one, in a process of its own: each so-maniest, from a place on."""

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
from tests.fault_world import Ended, FaultWorld, State, fault_world, missing

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


def doses() -> list[tuple[Sided]]:
    """Further doses of faults, one at a time."""
    sides = {"sis": fault_table.SIS, "lms": fault_table.LMS}
    found = [(side, case) for side, cases in sides.items() for case in cases if case.also]
    assert all(case.version == "1.1" for _, case in found), "this world has but one SIS"
    return [(each,) for each in found]


def _tried(world: FaultWorld, first: State, second: State, both: tuple[Sided, ...]) -> dict[str, Any]:
    world.reset()
    on: dict[str, list[str]] = {"sis": [], "lms": []}
    same_side = len({side for side, _ in both}) < len(both)
    for side, case in both:
        # Two bursts on one call would be more than the three failures that are promised to pass.
        on[side].append(re.sub(r"times=\d+", "times=1", case.fault) if same_side else case.fault)
    world.faults(**on)
    options = {name: value for _, case in both for name, value in case.options.items()}
    ended = world.run(compare_live=bool(on["lms"]), **options)
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
        "as_told": any(_as_told(case, ended) for _, case in both) or (len(both) > 1 and state == second),
        "same": ended.state == "done" and state == second,
        "removed": removed,
        "differs": differs,
    }


def _as_told(case: Case, ended: Ended) -> bool:
    """Did the run end as the table has it for this fault?"""
    state = {"same": "done", "refused": "done"}.get(case.end, case.end)
    return (ended.state, ended.error) == (state, case.error) and case.words in ended.words


def _all(work: Path, students: int, place: int, step: int, of: str) -> Iterator[dict[str, Any]]:
    with fault_world(work, students=students) as world:
        first = world.state()
        world.reset()
        assert world.run(compare_live=True).state == "done"
        second = world.state()
        for both in (pairs() if of == "pairs" else doses())[place::step]:
            yield _tried(world, first, second, both)


def main(arguments: dict[str, Any]) -> None:
    work = Path(arguments.pop("work"))
    print(json.dumps({"tried": list(_all(work, **arguments))}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
