"""`reliability`: workers killed with SIGKILL, and what is left of it in the end: nothing.

Days of a district between a practice SIS and a practice LMS over HTTP, worlds on SQLite and on PostgreSQL in turn: a
first load, then days of changes. Workers die at random instants within each stage and at named points, up to four of
them in a run; the next one goes on. Compared with an undisturbed twin: what the LMS holds, and the write calls it was
sent. Then, on PostgreSQL with the default lease and timeouts, one worker is killed while it applies, and the next one
frozen for a minute and woken after its run was taken over.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import about, figure
from tests.postgres import Server, postgres
from tests.reliability.campaign import Deaths, Seen, carry_out
from tests.reliability.deaths import POINTS, STAGES
from tests.reliability.nursery import Nursery
from tests.reliability.pair import Story, one_killed_one_frozen
from tests.reliability.world import Day, undisturbed

STUDENTS = 1000
KILLS = 23  # in each stage
AT_POINTS = 2  # at each named point: once on each database, or so
DAYS = 6
FROZEN = 60.0
PARALLEL = 4  # calls that a worker has under way at most


def run(students: int | None, work: Path, kills: int | None = None) -> dict[str, Any]:
    number, each = students or STUDENTS, kills or (2 if students else KILLS)
    days = generate(work / "district", students=number, seed=1, days=DAYS, change=0.05)
    with postgres() as server:
        with Nursery(ROLLBOOK_LEASE_SECONDS="1") as nursery:
            twin = undisturbed(work / "quiet", days, nursery)
            deaths = Deaths.everywhere(each, points=min(each, AT_POINTS))
            seen = carry_out(deaths, work, days, twin, nursery, [server.create, str], say=_say)
        story = _pair(work / "pair", days[0], twin[0], server, FROZEN if students is None else 10.0)
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [*_stages(seen, 20 if each >= 20 else each), *_proof(seen), *_story(story)],
        "details": {
            "runs": seen.runs,
            "deaths": dict(seen.deaths),
            "wrong": seen.wrong(),
            "writes": [day.writes for day in twin],
            "slice_calls": [day.slice_calls for day in twin],
            "seconds": [day.seconds for day in twin],
        },
    }


def _pair(folder: Path, day: Path, usual: Day, server: Server, frozen: float) -> Story:
    with ExitStack() as stack:
        nurseries = [stack.enter_context(Nursery()) for _ in range(3)]
        return one_killed_one_frozen(
            folder, day, usual, nurseries, server.create(), frozen=frozen, timeout=20.0, slow=1.0
        )


def _stages(seen: Seen, least: int) -> list[dict[str, Any]]:
    figures = [figure(f"killed in {stage}", seen.deaths[stage], "", at_least=least) for stage in STAGES]
    points = [seen.deaths[point] for point in POINTS]
    return [
        *figures,
        figure("killed at named points", sum(points), ""),
        figure("killed at the named point with the fewest kills", min(points), "", at_least=min(least, AT_POINTS)),
        figure("kills in all", seen.deaths.total(), "", at_least=200 if least >= 20 else None),
    ]


def _proof(seen: Seen) -> list[dict[str, Any]]:
    return [
        figure("runs", seen.runs, ""),
        figure("runs that did not end done", len(seen.failed), "", at_most=0),
        figure("differences to the twin", seen.differences, "", at_most=0),
        figure("duplicates", seen.duplicates, "", at_most=0),
        figure("calls repeated, for each kill while sending", seen.repeated / max(1, seen.sending), ""),
        figure("calls repeated beyond one slice a kill, summed over runs", seen.excess, "", at_most=0),
        figure(f"of {seen.looks} following runs, those that found something to do", seen.not_quiet, "", at_most=0),
        figure("scratch folders left behind", seen.left_behind, "", at_most=0),
    ]


def _story(story: Story) -> list[dict[str, Any]]:
    seen = story.seen
    wrong = seen.differences + seen.duplicates + len(seen.failed) + seen.not_quiet
    return [
        figure("killed, until another worker had the run", story.takeovers[0], "s", at_most=30),
        figure("frozen, until another worker had the run", story.takeovers[1], "s", at_most=30),
        figure("one killed, one frozen: differences, duplicates, work left", wrong, "", at_most=0),
        figure("calls of the frozen one after it woke", story.woken_calls, "", at_most=PARALLEL),
    ]


def _say(left: int, seen: Seen) -> None:
    print(f"{seen.deaths.total()} deaths in {seen.runs} runs, {left} to come {seen.wrong() or ''}", file=sys.stderr)


if __name__ == "__main__":  # a few kills, for trying out: python -m tests.bench.reliability STUDENTS KILLS FOLDER
    chosen: Sequence[str] = sys.argv[1:]
    print(json.dumps(run(int(chosen[0]), Path(chosen[2]), int(chosen[1])), indent=1))
