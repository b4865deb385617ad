"""A district from CSV files into a practice Moodle, as a person types it: two days, and a day without changes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollbook.practice.district import generate
from rollbook.practice.moodle import create_moodle
from rollbook.practice.server import serve
from tests.cli.kit import Command, place_tables
from tests.cli.practice import District, quiet, tell
from tests.cli.test_grades_http import V12, class_of, results, serve_sis

SETTINGS = """
organization: {slug: maple, name: Maple Valley, timezone: America/New_York}
sis: SIS
lms:
  connector: moodle
  options: {base_url: "LMS", token: practice, root_category: 1, courses: COURSES, time_zone: America/New_York}
active_year: 2027
schools: {"*": create}
terms: {"*": {"*": create}}
roles: {"*": {student: student, teacher: editingteacher, "*": skip}}
live: {compare: every}
"""


class MoodleDistrict(District):
    """One organization whose LMS is a practice Moodle."""

    courses = "ignore"

    def _import(self, sis: str) -> None:
        texts = {"SIS": sis, "LMS": self.lms, "COURSES": self.courses}
        written = SETTINGS
        for name, text in texts.items():
            written = written.replace(name, text)
        self.settings.write_text(written)
        self.rollbook("config", "import", str(self.settings), schema="config-import")

    def writes(self) -> list[str]:
        """The functions that wrote since this was last asked."""
        with urllib.request.urlopen(f"{self.lms}/_practice/requests") as answer:
            calls = [row[2] for row in json.load(answer)["calls"]]
        new, self._seen = calls[getattr(self, "_seen", 0) :], len(calls)
        return [name for name in new if "_get_" not in name]


@pytest.fixture
def district(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MoodleDistrict]:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    place_tables(tmp_path / "data")
    with serve(create_moodle()) as lms:
        yield MoodleDistrict(Command(tmp_path / "data"), tmp_path, lms.url)


def test_two_days_and_a_repeat(district: MoodleDistrict, days: list[Path]) -> None:
    district.courses = "category"
    district.reads(days[0])
    first = district.sync()
    assert first["kinds"]["enrollment"]["done"] > 100
    assert not any(counts["refused"] or counts["unknown"] for counts in first["kinds"].values())
    state = district.state()
    _check(state)
    assert district.writes()
    assert quiet(district.sync())
    assert district.writes() == [], "a repeat without changes sends nothing, though everything was read and compared"
    district.reads(days[1])
    second = district.sync()
    assert second["kinds"]["enrollment"]["remove"] > 10
    assert not any(counts["refused"] or counts["unknown"] for counts in second["kinds"].values())
    left = [row for row in district.state()["enrolments"] if row[3] == 1]
    assert len(left) == second["kinds"]["enrollment"]["remove"], "who left is suspended, and keeps the grades"
    assert quiet(district.sync())
    assert district.state()["deletions"] == []
    assert district.state()["mails"] == {}


def _check(state: dict[str, Any]) -> None:
    assert {each["auth"] for each in state["users"]} == {"manual"}
    assert all(each["has_password"] and each["force_change"] for each in state["users"])
    assert all(each["username"] == each["username"].lower() for each in state["users"])
    assert len({each["shortname"] for each in state["courses"]}) == len(state["courses"]) > 0
    assert all(0 < each["startdate"] < each["enddate"] for each in state["courses"])
    places = {each["category"] for each in state["courses"]}
    below = {each["idnumber"] for each in state["categories"] if each["parent"] != "Category 1"}
    assert places <= below, "each course of the SIS is a category below its building"
    assert {row[2] for row in state["roles"]} == {3, 5}
    assert {row[3] for row in state["enrolments"]} == {0}


def test_trouble_while_sending_ends_the_same(district: MoodleDistrict, days: list[Path], tmp_path: Path) -> None:
    district.reads(days[0])
    tell(district.lms, ["drop_answer:method=WRITE,every=2", "write_error:method=WRITE,times=3"])
    district.sync()
    tell(district.lms)
    district.sync()
    troubled = district.state()
    place_tables(tmp_path / "calm" / "data")
    with serve(create_moodle()) as lms:
        calm = MoodleDistrict(Command(tmp_path / "calm" / "data"), tmp_path / "calm", lms.url)
        calm.reads(days[0])
        calm.sync()
        assert troubled == calm.state()


def test_grades_go_to_whose_account_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two students swap their ID numbers after the sync; each has their own grades in the SIS all the same."""
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    place_tables(tmp_path / "data")
    day = generate(tmp_path / "days", students=40, seed=3, days=1)[0]
    (day / "categories.csv").write_text("sourcedId,status,dateLastModified,title\nhw,,,Homework\n")
    app = create_moodle()
    with serve(app) as lms, serve_sis(day, "1.2") as sis:
        district = MoodleDistrict(Command(tmp_path / "data"), tmp_path, lms.url)
        district.asks(sis.url, version="1.2", **V12 | {"base_url": f"{sis.url}{V12['base_url']}"})
        district.sync()
        code, (one, two, *_) = class_of(sis)
        grades = [{"item": "Test", "user": one, "grade": 18}, {"item": "Test", "user": two, "grade": 0}]
        items = [{"name": "Test", "module": "quiz", "max": 20, "due": 1_793_624_400}]
        book = json.dumps({"course": code, "items": items, "grades": grades}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{lms.url}/_practice/gradebook", book)).close()
        swapped = "UPDATE users SET idnumber = CASE idnumber WHEN ? THEN ? ELSE ? END WHERE idnumber IN (?, ?)"
        app.state.moodle.store.run(swapped, one, two, one, one, two)
        district.rollbook("grades", "sync", "maple", "--section", code)
        mapping = ("grades", "map", "maple", "--section", code, "--set", "Uncategorized=hw")
        district.rollbook(*mapping, schema="grades-map")
        run = district.rollbook("grades", "sync", "maple", "--section", code)
        assert run["findings"] == {}
        assert results(sis, code) == {("Test", one): ("fully graded", 18), ("Test", two): ("fully graded", 0)}
