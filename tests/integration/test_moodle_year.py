"""A school year in Moodle, and the turn to the next one, over real HTTP: what ends, what stays, what is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rollbook.pipeline import roster_run
from tests.districts import District, Organization, Watched, small
from tests.integration.moodle_world import Switch, World

ACTIVE, SUSPENDED = 0, 1


class Year:
    """An organization whose LMS is a practice Moodle; `on` is a sync on that day."""

    def __init__(self, switch: Switch, folder: Path) -> None:
        self.moodle = World(switch, folder / "moodle", {})
        roles = {"*": {"student": "student", "teacher": "editingteacher"}}
        users = {"deactivate_after": 30}
        self.org = Organization(folder, _district(), roles=roles, users=users, live={"compare": "never"})
        self.org.target = Watched(self.moodle.target)

    def on(self, day: str) -> list[tuple[str, str, str]]:
        """What was sent."""
        self.org.now = datetime.fromisoformat(f"{day}T06:00").replace(tzinfo=ZoneInfo("America/New_York"))
        self.org.lms.rows = self.org.district.rows
        self.org.target.batches.clear()
        result = self.org._river(roster_run.roster_run, {})
        assert result.state == "done"
        assert not any(counts["refused"] for counts in result.kinds.values())
        return self.org.sent

    def members(self, course: str) -> dict[str, int]:
        """Who is enrolled, and how."""
        return {row[1]: row[3] for row in self.moodle.state()["enrolments"] if row[0] == course}

    def courses(self) -> dict[str, dict[str, Any]]:
        return {each["idnumber"]: each for each in self.moodle.state()["courses"]}

    def suspended(self) -> set[str]:
        return {each["username"] for each in self.moodle.state()["users"] if each["suspended"]}


def _district() -> District:
    """A class in fall, one in spring, and one in both."""
    district = small().term("spring", "2027-01-25", "2027-06-11")
    for name, terms in (("k2", "spring"), ("k3", "fall,spring")):
        district.clazz(name, terms=terms).enroll(name, "tina", role="teacher").enroll(name, "sam", "sue")
    return district


def _leaves(district: District, person: str) -> None:
    rows = district.rows["enrollments"]
    district.drop("enrollments", *[row["sourcedId"] for row in rows if row["userSourcedId"] == person])


def _next_year(year: Year) -> None:
    """The SIS has the next year's class alone, with the name that last year's had; Sue is gone."""
    district = year.org.district
    for name in ("academicSessions", "classes", "enrollments"):
        district.rows[name].clear()
    district.term("fall28", "2027-08-23", "2028-01-21", schoolYear="2028")
    district.clazz("n1", terms="fall28", title="Class k1").enroll("n1", "tina", role="teacher").enroll("n1", "sam")
    district.drop("users", "sue")
    year.org.settings["active_year"] = "2028"


@pytest.fixture
def year(switch: Switch, tmp_path: Path) -> Iterator[Year]:
    made = Year(switch, tmp_path)
    made.on("2026-09-01")
    yield made
    made.moodle.close()


@pytest.mark.rule(20)
def test_a_term_that_ends_takes_nobody_out(year: Year) -> None:
    assert year.on("2027-01-25") == []
    _leaves(year.org.district, "sue")
    assert sorted(year.on("2027-03-01")) == [("enrollment", "remove", "k2|sue"), ("enrollment", "remove", "k3|sue")]
    assert year.members("k1") == {"sam": ACTIVE, "sue": ACTIVE, "tina": ACTIVE}, "it had ended before she left"
    assert year.members("k3") == {"sam": ACTIVE, "sue": SUSPENDED, "tina": ACTIVE}
    year.org.district.enroll("k3", "sue")
    assert year.on("2027-03-02") == [("enrollment", "create", "k3|sue")]
    assert year.members("k3")["sue"] == ACTIVE, "who comes back is active again, in the enrollment of before"


@pytest.mark.rule(3, 13)
def test_the_next_year_is_made_beside_the_old_one(year: Year) -> None:
    before = year.courses()
    _next_year(year)
    made = [("section", "create", "n1"), ("enrollment", "create", "n1|sam"), ("enrollment", "create", "n1|tina")]
    assert year.on("2027-08-10") == made
    after = year.courses()
    assert {name: after[name] for name in before} == before, "last year's courses stay as they are"
    assert len({each["shortname"] for each in after.values()}) == 4, "with one title, and a short name each"
    assert after["n1"]["category"] == before["k1"]["category"]
    assert year.members("k1") == {"sam": ACTIVE, "sue": ACTIVE, "tina": ACTIVE}
    assert year.suspended() == set()
    assert year.on("2027-09-15") == [("user", "deactivate", "sue")]
    assert year.suspended() == {"sue"}
    year.org.district.student("sue").enroll("n1", "sue")
    assert sorted(year.on("2027-09-20")) == [("enrollment", "create", "n1|sue"), ("user", "revive", "sue")]
    assert year.suspended() == set()
    assert year.members("n1")["sue"] == ACTIVE


@pytest.mark.rule(12)
def test_who_moves_up_to_another_school_is_known_there_without_a_call(year: Year) -> None:
    _next_year(year)
    district = year.org.district.school("B")
    district.put("users", "sam", orgSourcedIds="B").put("classes", "n1", schoolSourcedId="B")
    year.moodle.forget_calls()
    sent = year.on("2027-08-10")
    assert ("user", "update", "sam") in sent
    assert "core_user_update_users" not in year.moodle.calls(), "Moodle has no place for somebody's school"
    assert year.courses()["n1"]["category"] == "B"
    assert year.members("n1") == {"sam": ACTIVE, "tina": ACTIVE}
