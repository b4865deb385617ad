"""A large package of grades is not written anew for each batch, and nothing of it is lost when a process dies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rollbook.connectors.oneroster_csv import grades_package
from rollbook.connectors.oneroster_csv.grades_package import GradesPackage
from rollbook.connectors.oneroster_csv.grades_tables import HEADERS, Cells

ZIPS = pytest.mark.parametrize("name", ["grades", "grades.zip"])


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as large."""
    monkeypatch.setattr(grades_package, "_SMALL", 2000)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were put in their place."""
    names: list[str] = []
    place = grades_package._place

    def noted(fresh: Path, goal: Path) -> None:
        names.append(goal.name)
        place(fresh, goal)

    monkeypatch.setattr(grades_package, "_place", noted)
    return names


def package(folder: Path, name: str) -> GradesPackage:
    return GradesPackage(folder / name, "1.1", folder / "work")


def some(first: int, number: int = 20, score: str = "5") -> dict[str, Cells]:
    """Rows of results."""
    blank = dict.fromkeys(HEADERS["1.1"]["result"], "")
    keys = [f"r{place:05}" for place in range(first, first + number)]
    return {own: {**blank, "sourcedId": own, "status": "active", "score": score} for own in keys}


def scores(found: GradesPackage) -> dict[str, str]:
    return {cells["sourcedId"]: cells["score"] for cells in found.rows("result")}


@ZIPS
def test_the_work_grows_with_the_rows(tmp_path: Path, name: str, written: list[str]) -> None:
    """A hundred batches: a file that is twice as large each time is written a few times, not a hundred."""
    found = package(tmp_path, name)
    for batch in range(100):
        found.merge("result", some(batch * 20))
    found.flush()
    assert len(scores(found)) == 2000
    assert list(scores(found)) == sorted(scores(found)), "in the order in which they came"
    assert len([each for each in written if each in ("results.csv", "grades.zip")]) < 20


@ZIPS
def test_what_waits_outlives_the_process(tmp_path: Path, name: str) -> None:
    found = package(tmp_path, name)
    found.merge("result", some(0, 200))
    found.merge("result", some(100, 20, score="6"))
    found.merge("line_item", {"li": {**dict.fromkeys(HEADERS["1.1"]["line_item"], ""), "sourcedId": "li"}})
    before = scores(found)
    assert before["r00100"] == "5", "it waits"
    again = package(tmp_path, name)
    again.flush()
    assert scores(again) == {**before, **dict.fromkeys(some(100, 20), "6")}
    assert [cells["sourcedId"] for cells in again.rows("line_item")] == ["li"]
    assert not [path for path in tmp_path.rglob(".rollbook*") if path.exists()]


@ZIPS
def test_half_a_line_is_left_out_and_the_next_one_counts(tmp_path: Path, name: str) -> None:
    """A process died while it wrote; nobody was told that this row was done."""
    found = package(tmp_path, name)
    found.merge("result", some(0, 200))
    found.merge("result", some(300, 1))
    [waiting] = tmp_path.rglob(".rollbook*waiting")
    with waiting.open("ab") as file:
        file.write(b'["result", {"sourcedId": "r9')
    again = package(tmp_path, name)
    again.merge("result", some(301, 1))
    again.flush()
    assert {"r00300", "r00301"} <= set(scores(again))
    assert "r9" not in scores(again)


@ZIPS
@pytest.mark.parametrize("point", ["replace", "unlink"])
def test_killed_while_it_is_brought_in(tmp_path: Path, name: str, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a file is in its place, or when all are and the waiting rows are not gone yet."""
    found = package(tmp_path, name)
    found.merge("result", some(0, 200))
    found.merge("result", some(190, 20, score="6"))

    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if point == "replace":
            patch.setattr(os, "replace", dies)
        else:
            patch.setattr(grades_package.Waiting, "clear", dies)
        with pytest.raises(Killed):
            found.flush()
    again = package(tmp_path, name)
    again.flush()
    assert len(scores(again)) == 210
    assert scores(again)["r00195"] == "6"
