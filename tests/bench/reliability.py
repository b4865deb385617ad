"""`reliability`: workers killed with SIGKILL, everywhere.

Two days of a district (a first load, then changes and removals) are synced over HTTP from the practice SIS into the
practice LMS. Their worker is killed at random instants within each stage, and at each named point; another worker goes
on. SQLite and PostgreSQL take turns. In the end the LMS is compared with one whose syncs nobody disturbed; then one
more sync must find nothing to do. Last, two workers share PostgreSQL: one is killed, one is frozen for a minute and
woken, with the lease and time-outs that are the default.
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.frozen import frozen
from tests.bench.measure import about, figure
from tests.killed_worker import POINTS
from tests.killing import CALLS_OF_A_SLICE, PLANNING, STAGES, Quiet, differences, undisturbed, world
from tests.postgres import Server, postgres

STUDENTS = 1000
KILLS = 25  # in each stage
Kill = dict[str, Any]


def run(students: int | None, work: Path) -> dict[str, Any]:
    number, kills = students or STUDENTS, 2 if students else KILLS
    days = generate(work / "district", students=number, seed=2, days=2, change=0.05)
    quiet = undisturbed(work / "quiet", days)
    found: Counter[str] = Counter()
    plans = list(_plans(quiet, kills))
    with postgres() as server:
        for place, wanted in enumerate(plans):
            _trial(work / f"trial-{place}", days, quiet, wanted, server if place % 2 else None, found)
        waking = frozen(work / "frozen", days[0], quiet, server, seconds=5 if students else 60)
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [*_figures(found, kills), *waking],
        "details": {"trials": len(plans), "counts": dict(sorted(found.items())), "writes": list(quiet.writes)},
    }


def _plans(quiet: Quiet, kills: int) -> Iterator[list[list[Kill]]]:
    """For each trial the kills of both days: two while planning, and two later ones."""
    chance = random.Random(1)
    planning = [one for one in PLANNING for _ in range(kills)]
    later = [one for one in STAGES if one not in PLANNING for _ in range(kills)]
    chance.shuffle(planning)
    points: list[Kill] = [{"point": one, "number": number} for one in POINTS for number in (1, 1, 2)]
    rest: Iterator[Kill] = iter(points)
    while planning or later:
        trial: list[list[Kill]] = []
        for day in (0, 1):
            stages = [planning.pop() for _ in range(min(2, len(planning)))]
            stages.sort(key=STAGES.index)
            stages += sorted((later.pop(0) for _ in range(min(1, len(later)))), key=STAGES.index)
            trial.append([_within(one, quiet.seconds[day], chance) for one in stages])
            trial[-1] += list(itertools.islice(rest, 1)) if len(stages) < 3 else []
        yield trial
    for point in rest:
        yield [[point], []]


def _within(stage: str, seconds: dict[str, float], chance: random.Random) -> Kill:
    return {"stage": stage, "after": round(chance.random() * seconds.get(stage, 0.05), 4)}


def _trial(
    folder: Path,
    days: Sequence[Path],
    quiet: Quiet,
    kills: list[list[Kill]],
    server: Server | None,
    found: Counter[str],
) -> None:
    if server is not None:
        os.environ["DATABASE_URL"] = server.create()
    try:
        with world(folder, days[0]) as org:
            for day, wanted, state, writes in zip(days, kills, quiet.states, quiet.writes, strict=True):
                org.next_day(day)
                before = org.deaths
                ended = org.run(*wanted)
                for kill, died in zip(wanted, org.told[-len(wanted) :] if wanted else [], strict=True):
                    found[f"{kill.get('stage') or kill['point']}: {'killed' if died else 'missed'}"] += 1
                found["runs"] += 1
                found["not done"] += ended.state != "done"
                found["differences"] += differences(org.state(), state)
                repeated = max(0, org.writes() - writes)
                allowed = org.deaths * CALLS_OF_A_SLICE
                found["over one slice a kill"] += max(0, repeated - allowed)
                found["repeated calls"] += repeated if org.deaths > before else 0
            found["postgresql" if server else "sqlite"] += org.deaths
            _nothing_left(org, found)
    finally:
        os.environ.pop("DATABASE_URL", None)


def _nothing_left(org: Any, found: Counter[str]) -> None:
    before = (org.writes(), org.ledger_version())
    org.run()
    found["not quiet afterwards"] += (org.writes(), org.ledger_version()) != before
    found["files left in work"] += len(list(org.folder.work.iterdir()))


def _figures(found: Counter[str], kills: int) -> list[dict[str, Any]]:
    deaths = sum(number for name, number in found.items() if name.endswith(": killed"))
    named = sum(found[f"{point}: killed"] for point in POINTS)
    return [
        figure("workers killed", deaths, "", at_least=8 * kills * 0.8),
        *(figure(f"killed in {one}", found[f"{one}: killed"], "", at_least=kills * 0.8) for one in STAGES),
        figure("killed at named points", named, "", at_least=len(POINTS)),
        figure("killed on SQLite", found["sqlite"], ""),
        figure("killed on PostgreSQL", found["postgresql"], ""),
        figure("runs that did not end done", found["not done"], "", at_most=0),
        figure("differences to the undisturbed LMS, doubled objects included", found["differences"], "", at_most=0),
        figure("calls repeated beyond one slice a kill", found["over one slice a kill"], "", at_most=0),
        figure("syncs afterwards that found something to do", found["not quiet afterwards"], "", at_most=0),
        figure("files left behind", found["files left in work"], "", at_most=0),
    ]
