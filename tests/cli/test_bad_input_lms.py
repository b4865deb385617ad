"""An LMS that loses answers, refuses or breaks off while it is written to: nothing is doubled, the end is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.practice import District, a_district, district, quiet

__all__ = ["district"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, days: list[Path]) -> dict[str, Any]:
    """What the LMS holds after a sync in which nothing went wrong."""
    with a_district(tmp_path_factory.mktemp("undisturbed")) as found:
        found.reads(days[0])
        found.sync()
        return found.state()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("drop_answer:method=POST,every=2", 0),
        ("server_error:method=POST,times=3", 0),
        ("half_done:times=2", 0),
        ("html:method=POST", 1),
        ("drop_answer:method=POST", 1),
        ("throttle:method=POST,retry_after=900", 1),
        ("unauthorized:method=POST,after=4,times=1", 0),
        ("unauthorized:method=POST,after=4", 1),
        ("server_error:method=POST,times=4,path=/v1/users", 3),
        ("forbidden:method=POST,after=3", 1),
    ],
)
def test_trouble_while_sending_ends_the_same(
    district: District, days: list[Path], undisturbed: dict[str, Any], fault: str, code: int
) -> None:
    district.reads(days[0])
    district.faults(fault)
    run = district.sync(code=code)
    assert run["settled"]
    if code == 3:
        assert "Schoology never said" in run["doubts"]["answers"]
    elif code:
        assert "Schoology" in run["error"]["message"]
        assert run["error"]["who"]
    district.faults()
    district.sync()
    assert district.state() == undisturbed


def test_an_undo_can_be_undone(district: District, days: list[Path]) -> None:
    district.reads(days[0])
    first = district.sync()
    before = district.state()["enrollments"]
    held = district.rollbook("run", "undo", first["run"], code=3)
    assert district.state()["enrollments"] == before, "so many removals wait for a person, in an undo too"
    assert held["kinds"]["enrollment"]["held"] == len(before)
    decide = ("--all", "--org", "maple", "--by", "Ann", "--reason", "a wrong import")
    undone = district.rollbook("hold", "approve", *decide)
    assert undone["undo_of"] == first["run"]
    assert district.state()["enrollments"] == []
    district.rollbook("run", "undo", undone["run"], code=3)
    again = district.rollbook("hold", "approve", *decide)
    assert again["kinds"]["enrollment"]["refused"] == 0
    assert district.state()["enrollments"] == before
    assert quiet(district.sync())
