"""The laws on another LMS than the one in memory: a practice Moodle over real HTTP, one site an example."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.errors import Unavailable
from tests.districts import District, Organization, Watched
from tests.integration.moodle_world import TOKEN, Switch, World, switched
from tests.property import laws
from tests.property.laws import nights
from tests.property.strategies import (
    NO_LIMITS,
    Edit,
    add_class,
    add_person,
    districts,
    enroll,
    examples,
    until_quiet,
    wanted_roster,
)

ZONE = "America/New_York"
ROLES = {"*": {"student": "student", "teacher": "editingteacher", "*": "skip"}}
STUDENT, TEACHER = 5, 3


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switched() as running:
        yield running


class Site:
    """An organization whose SIS is in memory and whose LMS is a Moodle site; see `laws.Tenant`."""

    def __init__(self, switch: Switch, folder: Path, district: District, **settings: Any) -> None:
        self.world = World(switch, folder, {}, time_zone=ZONE)
        self.org = Organization(folder, district, **{"limits": NO_LIMITS, "roles": ROLES, **settings})
        self.org.target = Watched(self.world.target)

    def roster(self) -> dict[str, str]:
        """`class|user` → member or admin, of those who are not suspended."""
        state = self.world.state()
        roles = {(section, user): role for section, user, role in state["roles"]}
        active = [(section, user) for section, user, _, status, *_ in state["enrolments"] if status == 0]
        return {f"{s}|{u}": {STUDENT: "member", TEACHER: "admin"}[roles[s, u]] for s, u in active}

    def accounts(self) -> dict[str, bool]:
        return {row["idnumber"]: not row["suspended"] for row in self.world.state()["users"]}

    def holds(self) -> dict[str, dict[str, Any]]:
        state = self.world.state()
        named = {kind: {row["idnumber"]: row for row in state[kind]} for kind in ("users", "courses", "categories")}
        assert [len(named[kind]) for kind in named] == [len(state[kind]) for kind in named], "something is doubled"
        return {**named, "roster": self.roster()}

    def building(self, school: str) -> Any:
        return self.holds()["categories"][school]

    def check_back(self, before: dict[str, dict[str, Any]]) -> None:
        now = self.holds()
        assert now["roster"] == before["roster"]
        for kind in ("users", "courses", "categories"):
            assert {key: now[kind][key] for key in before[kind]} == before[kind]
        assert self.world.state()["deletions"] == []

    def check_left_alone(self, before: dict[str, dict[str, Any]], school: str) -> None:
        now = self.holds()
        theirs = {key for key, row in before["courses"].items() if row["category"] == school}
        assert {key: now["courses"][key] for key in theirs} == {key: before["courses"][key] for key in theirs}
        for pair, role in before["roster"].items():
            assert pair.split("|")[0] not in theirs or now["roster"][pair] == role

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
def a_site(switch: Switch, district: District, **settings: Any) -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(switch, Path(folder), district, **settings)
        try:
            yield site
        finally:
            site.world.close()


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, ZoneInfo(ZONE)).date().isoformat()


@given(district=districts(), night=nights)
@examples(3)
def test_applying_a_plan_reaches_the_desired_state_and_a_second_plan_is_empty(
    switch: Switch, district: District, night: Sequence[Edit]
) -> None:
    with a_site(switch, district) as site:
        laws.reaches_and_rests(site, night)


@given(district=districts(), night=nights, dice=st.randoms(use_true_random=False))
@examples(2)
def test_the_order_of_rows_does_not_matter(
    switch: Switch, district: District, night: Sequence[Edit], dice: random.Random
) -> None:
    laws.order_is_nothing(partial(a_site, switch), district, night, dice)


@given(district=districts(), night=nights, school=st.sampled_from(["A", "B"]))
@examples(2)
def test_unmapped_means_untouched(switch: Switch, district: District, night: Sequence[Edit], school: str) -> None:
    with a_site(switch, district) as site:
        laws.unmapped_is_untouched(site, night, school)


@given(district=districts(), night=nights, extra=st.integers(1, 3))
@examples(3)
def test_nothing_that_others_made_is_removed(
    switch: Switch, district: District, night: Sequence[Edit], extra: int
) -> None:
    with a_site(switch, district) as site:
        laws.only_ours_is_removed(site, night, extra)
        assert site.world.state()["deletions"] == []


@given(district=districts(), night=nights, step=st.integers(0, 20), first_day=st.booleans())
@examples(4)
def test_killed_after_any_step_and_run_again_converges(
    switch: Switch, district: District, night: Sequence[Edit], step: int, first_day: bool
) -> None:
    with a_site(switch, district) as site:
        laws.survives_death(site, night, step, first_day=first_day)


@pytest.mark.rule(28)
@given(district=districts(), night=nights, live=st.booleans())
@examples(2)
def test_an_undone_night_stays_undone(switch: Switch, district: District, night: Sequence[Edit], live: bool) -> None:
    with a_site(switch, district) as site:
        laws.stays_undone(site, night, live=live)


@pytest.mark.rule(13)
@given(days=st.integers(1, 4), plan=laws.leavings)
@examples(2)
def test_accounts_follow_the_days_that_people_are_gone(switch: Switch, days: int, plan: Sequence[laws.Leaving]) -> None:
    district = laws.school_of(frozenset(laws.COME_AND_GO))
    with a_site(switch, district, limits={}, users={"deactivate_after": days}) as site:
        laws.accounts_follow_their_people(site, days, plan)


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
            with suppress(Unavailable):  # not one answer arrived: the run says so, and what it sent is settled
                site.org.next_day().run()
            site.world.no_faults()
        until_quiet(site.org)
        site.check_reached()
        assert site.org.target.doubled == []


class Impostor:
    """People of a site who give their accounts other ID numbers, as Moodle lets them."""

    def __init__(self, site: Site) -> None:
        self._store = site.world.site.store
        self.owners = {
            row["idnumber"]: row["id"] for row in self._store.all("SELECT * FROM users WHERE idnumber != ''")
        }

    def changes(self, person: str, number: str) -> None:
        self._store.run("UPDATE users SET idnumber = ? WHERE id = ?", number, self.owners[person])

    def roster(self) -> set[tuple[str, int]]:
        """Who is active in which course, by accounts."""
        rows = self._store.all(
            "SELECT c.idnumber, e.user FROM enrolments e JOIN courses c ON c.id = e.course WHERE e.status = 0"
        )
        return {(row["idnumber"], row["user"]) for row in rows}


@pytest.mark.parametrize("members", ["ours", "sis"])
@given(
    district=districts(),
    night=nights,
    swaps=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["u0", "u1", "u2", "u9", ""])), max_size=3),
)
@examples(2)
def test_whatever_numbers_people_give_themselves_classes_have_the_same_people(
    switch: Switch, members: str, district: District, night: Sequence[Edit], swaps: Sequence[tuple[int, str]]
) -> None:
    """Two at least have each other's number, and all but the second of them are new in a class that night."""
    for person in ("u0", "u1"):
        add_person(district, person, "student", "A")
    with a_site(switch, district, enrollments={"members": members}) as site:
        org = site.org
        org.run()
        before = Impostor(site)
        people = sorted(before.owners)
        moved = [(people[place % len(people)], number) for place, number in swaps] + [("u0", "u1"), ("u1", "u0")]
        for person, number in moved:
            before.changes(person, number)
        for edit in night:
            edit(org.district)
        add_class(org.district, "k9", "A", "fall")
        for person in {person for person, _ in moved} - {"u1"}:
            enroll(org.district, "k9", person, "student")
        for _ in range(3):
            result = org.next_day().run(compare_live=True)
            for reason in {hold.reason for hold in result.holds}:
                org.approve(result, reason)
        wanted = {tuple(pair.split("|")) for pair in wanted_roster(org.district)}
        now = before.roster()
        for clazz, person in wanted:
            assert person not in before.owners or (clazz, before.owners[person]) in now
        theirs = {(clazz, before.owners[person]) for clazz, person in wanted if person in before.owners}
        old = set(before.owners.values())
        assert {pair for pair in now if pair[1] in old} <= theirs, "nobody is in a class of somebody else"


@pytest.mark.rule(13)
@pytest.mark.parametrize(("number", "username", "stays_active"), [
    ("my-own", None, False), ("", None, False), ("stay0", None, True), ("new-here", "new-here", True),
])  # fmt: skip
def test_whoever_is_gone_is_known_by_their_account(
    switch: Switch, number: str, username: str | None, stays_active: bool
) -> None:
    """Nobody keeps an account by writing another ID number; one that has somebody else's is left alone."""
    district = laws.school_of(frozenset(laws.COME_AND_GO))
    with a_site(switch, district, limits={}, users={"deactivate_after": 1}) as site:
        site.org.run()
        ann = Impostor(site).owners["ann"]
        site.world.site.store.run("UPDATE users SET idnumber = ? WHERE id = ?", number, ann)
        if username is not None:  # handed over to somebody else
            site.world.site.store.run("UPDATE users SET username = ? WHERE id = ?", username, ann)
        site.org.district = laws.school_of(frozenset({"bob"}))
        for _ in range(3):
            site.org.next_day().run()
        row = site.world.site.store.one("SELECT suspended FROM users WHERE id = ?", ann)
        assert bool(row["suspended"]) is not stays_active
        others = site.world.site.store.all("SELECT suspended FROM users WHERE id != ?", ann)
        assert not any(each["suspended"] for each in others)
