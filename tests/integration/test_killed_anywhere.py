"""A worker killed with SIGKILL at any instant: the same end state, nothing twice, nothing lost (principle 4).

`script/bench reliability` does the same two hundred times with a larger district.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from rollbook.practice import district
from tests.killed_worker import POINTS
from tests.killing import CALLS_OF_A_SLICE, PLANNING, Quiet, differences, undisturbed, world
from tests.postgres import Server


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return district.generate(tmp_path_factory.mktemp("district"), students=40, seed=5, days=2, change=0.2)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, days: list[Path]) -> Quiet:
    return undisturbed(tmp_path_factory.mktemp("quiet") / "data", days)


def survive(folder: Path, days: Sequence[Path], quiet: Quiet, kills: Sequence[Sequence[dict]]) -> int:
    """Both days with these deaths; returns how many there were."""
    with world(folder, days[0]) as org:
        for day, wanted, state, writes in zip(days, kills, quiet.states, quiet.writes, strict=True):
            org.next_day(day)
            run = org.run(*wanted)
            assert run.state == "done", (run.state, run.error)
            assert differences(org.state(), state) == 0
            assert org.writes() <= writes + org.deaths * CALLS_OF_A_SLICE
            assert not list(org.folder.work.iterdir())
        before = (org.writes(), org.ledger_version())
        assert org.run().state == "done"
        assert (org.writes(), org.ledger_version()) == before, "nothing was left to do"
        return org.deaths


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point(point: str, tmp_path: Path, days: list[Path], quiet: Quiet) -> None:
    kill = {"point": point, "number": 1}
    assert survive(tmp_path / "data", days, quiet, [[kill], [kill]]) == 2


@pytest.mark.parametrize("point", ["sent, unanswered", "after the ledger pointer"])
def test_killed_at_a_named_point_on_postgresql(
    point: str, tmp_path: Path, days: list[Path], quiet: Quiet, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_server.create())
    kill = {"point": point, "number": 2 if "sent" in point else 1}
    assert survive(tmp_path / "data", days, quiet, [[kill], []]) == 1


def test_killed_at_random_within_stages(tmp_path: Path, days: list[Path], quiet: Quiet, database: str) -> None:
    chance = random.Random(database)

    def kills(day: int) -> list[dict]:
        stages = [*chance.sample(PLANNING, 2), "apply", "settle"]
        return [{"stage": one, "after": chance.random() * quiet.seconds[day].get(one, 0.1)} for one in stages]

    deaths = survive(tmp_path / "data", days, quiet, [kills(0), kills(1) if database == "sqlite" else []])
    assert deaths, "a stage of a small district may be over before its moment comes; not each of them"
