"""A Moodle that was there before Rollbook: what is in it is linked, and nothing is sent that it cannot store."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rollbook.practice.moodle import create_moodle
from rollbook.practice.server import serve
from tests.cli.kit import Command, place_tables
from tests.cli.practice import quiet
from tests.cli.test_moodle import MoodleDistrict

pytestmark = pytest.mark.rule(10)


@pytest.fixture
def lms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The address of a practice Moodle as `.url`, and its site as `.site`."""
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    app = create_moodle()
    with serve(app) as running:
        yield SimpleNamespace(url=running.url, site=app.state.moodle)


def rollbook(folder: Path, lms: Any) -> MoodleDistrict:
    """A Rollbook that knows nothing yet."""
    place_tables(folder / "data")
    return MoodleDistrict(Command(folder / "data"), folder, lms.url)


@pytest.mark.parametrize("courses", ["ignore", "category"])
def test_what_is_as_wanted_is_linked_without_updates(lms: Any, tmp_path: Path, days: list[Path], courses: str) -> None:
    (first, second) = (rollbook(tmp_path / name, lms) for name in ("first", "second"))
    for each in (first, second):
        each.courses = courses
        each.reads(days[0])
    first.sync()
    before = first.state()
    run = second.sync()
    unseen = _with_middle_name(days[0])  # Moodle takes it, and shows it to nobody
    for kind, updates in (("user", unseen), ("section", 0)):
        counts = run["kinds"][kind]
        assert counts["adopt"] > updates, kind
        assert (counts["update"], counts["create"], counts["held"]) == (updates, 0, 0), kind
    assert second.state() == before
    assert quiet(second.sync())


def _with_middle_name(day: Path) -> int:
    with (day / "users.csv").open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for row in csv.DictReader(file) if row["middleName"] and row["role"] in ("student", "teacher"))


def test_people_without_a_decision_are_blocked_and_not_unchanged(lms: Any, tmp_path: Path, days: list[Path]) -> None:
    (first, second) = (rollbook(tmp_path / name, lms) for name in ("first", "second"))
    for each in (first, second):
        each.reads(days[0])
    made = first.sync()["kinds"]["user"]["done"]
    lms.site.store.run("UPDATE users SET idnumber = ''")
    counts = second.rollbook("plan", "maple")["kinds"]["user"]
    assert (counts["blocked"], counts["unchanged"], counts["create"]) == (made, 0, 0)
    run = second.rollbook("runs", "maple", schema="runs")["runs"][0]["run"]
    assert f"Whose account is it, for {made} people?" in second.rollbook.text("run", "show", run).out


def test_a_course_without_its_number_says_what_to_do(lms: Any, tmp_path: Path, days: list[Path]) -> None:
    """Somebody took the ID number of a class away from its course: no second course is made of it."""
    (first, second) = (rollbook(tmp_path / name, lms) for name in ("first", "second"))
    for each in (first, second):
        each.reads(days[0])
    first.sync()
    (course,) = lms.site.store.all("SELECT id, shortname FROM courses WHERE idnumber <> '' LIMIT 1")
    lms.site.store.run("UPDATE courses SET idnumber = '' WHERE id = ?", course["id"])
    assert second.sync()["kinds"]["section"]["refused"] == 1
    run = second.rollbook("runs", "maple", schema="runs")["runs"][0]["run"]
    shown = " ".join(second.rollbook.text("run", "show", run).out.split())
    assert "another course of the LMS has its short name" in shown
