"""Which worker dies where: spreads deaths over days of runs, and checks what each run leaves behind."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from rollbook.store.models import Run
from tests.reliability.deaths import PLANNING, POINTS, SETTLING, STAGES, UNPLANNED, UNTIDY
from tests.reliability.nursery import Nursery
from tests.reliability.world import Day, World, differences, duplicates, world


@dataclass
class Seen:
    """What came of it all. `repeated`: write calls beyond those of the twin; `excess`: of these, what goes beyond one
    slice for each death of a run while something was on its way."""

    deaths: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    differences: int = 0
    duplicates: int = 0
    repeated: int = 0
    sending: int = 0
    excess: int = 0
    left_behind: int = 0
    looks: int = 0
    not_quiet: int = 0
    failed: list[str] = field(default_factory=list)

    def wrong(self) -> dict[str, Any]:
        """Everything that should be nothing, and is not."""
        found = {
            "differences": self.differences, "duplicates": self.duplicates, "left behind": self.left_behind,
            "not quiet afterwards": self.not_quiet, "failed": self.failed,
            "repeated calls": self.excess,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}


class Deaths:
    """Hands out deaths, run by run, so that every run survives: at most two before its plan is kept, two after it."""

    def __init__(self, names: Sequence[str], *, seed: int = 1) -> None:
        """`names` are stages and named points, in any number."""
        self._chance = random.Random(seed)
        self._early: deque[str] = deque()
        self._applying: deque[str] = deque()
        self._settling: deque[str] = deque()
        mixed = list(names)
        self._chance.shuffle(mixed)
        self.again(mixed)

    @classmethod
    def everywhere(cls, each: int, *, points: int = 1) -> Self:
        """`each`: deaths in each stage; `points`: deaths at each named point."""
        return cls([*STAGES * each, *tuple(POINTS) * points])

    def __bool__(self) -> bool:
        return bool(self._early or self._applying or self._settling)

    def __len__(self) -> int:
        return len(self._early) + len(self._applying) + len(self._settling)

    def of_a_run(self, usual: dict[str, float]) -> list[dict[str, Any]]:
        """`usual` tells how long each stage takes."""
        names = [self._early.popleft() for _ in range(min(2, len(self._early)))]
        for late in (self._applying, self._settling):
            names += [late.popleft()] if late else []
        return [self._kill(name, usual) for name in names]

    def again(self, names: Sequence[str]) -> None:
        """These did not come about: once more, in another run."""
        for name in names:
            early = name in PLANNING or name in UNPLANNED
            queue = self._early if early else self._settling if name in (*SETTLING, "settle") else self._applying
            queue.append(name)

    def _kill(self, name: str, usual: dict[str, float]) -> dict[str, Any]:
        if name in STAGES:
            return {"stage": name, "after": self._chance.random() * usual.get(name, 0.05)}
        counted = name in ("intent committed, nothing sent", "sent, unanswered", "answered, no outcome",
                           "outcome, nothing after it")  # fmt: skip
        return {"point": name, "number": self._chance.randint(1, 2) if counted else 1}


def carry_out(
    deaths: Deaths,
    folder: Path,
    days: Sequence[Path],
    twin: Sequence[Day],
    nursery: Nursery,
    databases: Sequence[Callable[[], str]] = (str,),
    say: Callable[[int, Seen], None] = lambda left, seen: None,
) -> Seen:
    """Days after days in fresh worlds, until all deaths have been died. `databases` make the addresses of fresh
    databases, in turn; an empty address is SQLite."""
    seen, rounds = Seen(), 0
    while deaths and rounds < 100:
        rounds += 1
        url = databases[rounds % len(databases)]()
        with world(folder / f"world-{rounds}", days[0], nursery, url=url) as org:
            for day, usual in zip(days, twin, strict=True):
                if deaths or day == days[0]:
                    org.load(day)
                    _a_day(org, deaths, usual, seen)
                    if not deaths or day == days[-1]:
                        look_again(org, seen)
                    say(len(deaths), seen)
    return seen


def _a_day(org: World, deaths: Deaths, usual: Day, seen: Seen) -> None:
    before = org.writes()
    wanted = deaths.of_a_run(usual.seconds)
    run, died = org.sync(*wanted)
    seen.deaths.update(died)
    names = [kill.get("stage") or kill.get("point") or "" for kill in wanted]
    deaths.again([name for name in names if name not in died])
    judge(org, run, usual, before, died, seen)


def judge(org: World, run: Run, usual: Day, before: int, died: Sequence[str], seen: Seen) -> None:
    """Compare with the twin."""
    state = org.state()
    seen.runs += 1
    seen.differences += differences(state, usual.state)
    seen.duplicates += duplicates(state)
    repeated = org.writes() - before - usual.writes
    sending = [where for where in died if where == "apply" or (where in POINTS and where not in SETTLING)]
    seen.sending += len(sending)
    seen.repeated += repeated
    seen.excess += max(0, repeated - len(sending) * usual.slice_calls)
    if run.state != "done":
        seen.failed.append(f"{run.state}: {run.error} after {', '.join(died)}")
    if UNTIDY not in died:  # there the next worker tidies up
        seen.left_behind += len(org.left_behind())


def look_again(org: World, seen: Seen) -> None:
    """Another run has nothing to do: it sends nothing and moves no ledger."""
    writes, versions = org.writes(), org.versions()
    again, _ = org.sync()
    seen.looks += 1
    seen.not_quiet += again.state != "done" or (org.writes(), org.versions()) != (writes, versions)
    seen.left_behind += len(org.left_behind())
