"""The first laws against another LMS than the one in memory: a practice Moodle over real HTTP, one site an example."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.districts import District, Organization, Watched
from tests.integration.moodle_world import TOKEN, Switch, World, switched
from tests.property.strategies import NO_LIMITS, Edit, districts, edits, examples, until_quiet, wanted_roster

ZONE = "America/New_York"
ROLES = {"*": {"student": "student", "teacher": "editingteacher", "*": "skip"}}
STUDENT, TEACHER = 5, 3

nights = st.lists(edits(), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switched() as running:
        yield running


class Site:
    """An organization whose SIS is in memory and whose LMS is a Moodle site."""

    def __init__(self, switch: Switch, folder: Path, district: District) -> None:
        self.world = World(switch, folder, {}, time_zone=ZONE)
        self.org = Organization(folder, district, limits=NO_LIMITS, roles=ROLES)
        self.org.target = Watched(self.world.target)

    def roster(self) -> dict[str, str]:
        """`class|user` → member or admin, of those who are not suspended."""
        state = self.world.state()
        roles = {(section, user): role for section, user, role in state["roles"]}
        active = [(section, user) for section, user, _, status, *_ in state["enrolments"] if status == 0]
        return {f"{s}|{u}": {STUDENT: "member", TEACHER: "admin"}[roles[s, u]] for s, u in active}

    def enroll_by_hand(self, most: int) -> set[str]:
        """A person puts people into courses; returns the new pairs."""
        there, made = self.roster(), set[str]()
        for section, course in self._ids("course").items():
            for user, account in self._ids("user").items():
                pair = f"{section}|{user}"
                if len(made) < most and pair not in there:
                    self._call("enrol_manual_enrol_users", enrolments=(account, course))
                    made.add(pair)
        return made

    def check_reached(self) -> None:
        """Does the site hold what the SIS says? What is of earlier days may be there as well."""
        assert self.roster() == wanted_roster(self.org.district)
        state = self.world.state()
        users, courses = ({row["idnumber"]: row for row in state[name]} for name in ("users", "courses"))
        terms = {row["sourcedId"]: row for row in self.org.district.rows["academicSessions"]}
        names = {row["idnumber"]: row["name"] for row in state["categories"]}
        for row in self.org.district.rows["users"]:
            assert users[row["sourcedId"]]["firstname"] == row["givenName"]
        for row in self.org.district.rows["classes"]:
            course, own = courses[row["sourcedId"]], [terms[one] for one in row["termSourcedIds"].split(",")]
            assert course["fullname"] == row["title"]
            assert course["category"] == row["schoolSourcedId"]
            assert _day(course["startdate"]) == min(one["startDate"] for one in own)
        used = {row["schoolSourcedId"] for row in self.org.district.rows["classes"]}
        for row in self.org.district.rows["orgs"]:
            assert row["sourcedId"] not in used or names[row["sourcedId"]] == row["name"]
        assert state["deletions"] == []

    def _ids(self, kind: str) -> dict[str, int]:
        """Moodle's own ids by ID number."""
        rows = self.world.target.read("section" if kind == "course" else kind)
        return {row.code: int(row.lms_id) for row in rows if row.code}

    def _call(self, function: str, *, enrolments: tuple[int, int]) -> None:
        user, course = enrolments
        form: dict[str, Any] = {"wstoken": TOKEN, "moodlewsrestformat": "json", "wsfunction": function}
        fields = {"roleid": STUDENT, "userid": user, "courseid": course}
        form |= {f"enrolments[0][{name}]": value for name, value in fields.items()}
        answer = self.world._control.post("/webservice/rest/server.php", data=form)
        assert "exception" not in answer.text, answer.text


@contextmanager
def a_site(switch: Switch, district: District) -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(switch, Path(folder), district)
        try:
            yield site
        finally:
            site.world.close()


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, ZoneInfo(ZONE)).date().isoformat()


@given(district=districts(), night=nights)
@examples(4)
def test_applying_a_plan_reaches_the_desired_state_and_a_second_plan_is_empty(
    switch: Switch, district: District, night: Sequence[Edit]
) -> None:
    with a_site(switch, district) as site:
        assert site.org.run().state == "done"
        site.check_reached()
        for edit in night:
            edit(site.org.district)
        until_quiet(site.org)
        site.check_reached()
        version = site.org.world.ledger.version
        result = site.org.run()
        assert site.org.sent == []
        assert site.org.world.ledger.version == version
        assert result.plan is not None
        assert result.plan.groups == []


@given(district=districts(), night=nights, extra=st.integers(1, 3))
@examples(4)
def test_nothing_that_others_made_is_removed(
    switch: Switch, district: District, night: Sequence[Edit], extra: int
) -> None:
    with a_site(switch, district) as site:
        site.org.run()
        by_hand = site.enroll_by_hand(extra)
        for edit in night:
            edit(site.org.district)
        for _ in range(2):
            result = site.org.next_day().run(compare_live=True)
            for reason in {hold.reason for hold in result.holds}:
                site.org.approve(result, reason)
        now = site.roster()
        assert by_hand - wanted_roster(site.org.district).keys() <= now.keys()
        assert {pair: now.get(pair) for pair in wanted_roster(site.org.district)} == wanted_roster(site.org.district)
        assert site.world.state()["deletions"] == []


@given(
    district=districts(), night=nights, lost=st.lists(st.sampled_from(["drop_answer", "cut"]), min_size=1, max_size=4)
)
@examples(3)
def test_lost_answers_converge(switch: Switch, district: District, night: Sequence[Edit], lost: Sequence[str]) -> None:
    """What is not known to have happened is asked for again, and is there once."""
    with a_site(switch, district) as site:
        for today in ([], night):
            for edit in today:
                edit(site.org.district)
            for fault in lost:
                site.world.fault(fault, method="WRITE", times=1)
            site.org.next_day().run()
            site.world.no_faults()
        until_quiet(site.org)
        site.check_reached()
        assert site.org.target.doubled == []
