"""Trouble of the database below Moodle: what is sent again, what is split, first syncs in which calls get into each
other's way. Nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rollbook.errors import RunCancelled
from rollbook.roster.changes import Change
from rollbook.roster.lms import KINDS
from tests.districts import District, Organization, Watched
from tests.integration.moodle_world import Going, Switch, World
from tests.property.strategies import NO_LIMITS

ENROL = "enrol_manual_enrol_users"
ROLES = {"*": {"student": "student", "teacher": "editingteacher", "*": "skip"}}


@pytest.fixture
def world(switch: Switch, tmp_path: Path) -> Iterator[World]:
    made = World(switch, tmp_path, {})
    yield made
    made.close()


@pytest.fixture
def course(world: World) -> World:
    """One course and forty people."""
    place = world.done(world.building())[0]
    world.done(world.section("s1", place))
    world.done(*[world.user(f"u{n}") for n in range(40)])
    world.forget_calls()
    return world


class TestSentAgain:
    @pytest.mark.parametrize("fault", ["write_error", "read_error"])
    def test_a_call_that_the_database_undid_is_sent_again_as_it_was(self, course: World, fault: str) -> None:
        course.fault(fault, path=ENROL, times=2)
        course.done(*[course.enrollment("s1", f"u{n}") for n in range(40)])
        assert course.calls() == [ENROL] * 3

    def test_a_record_that_is_alone_is_sent_again_before_it_is_refused(self, course: World) -> None:
        course.fault("write_error", path=ENROL, times=3)
        course.done(course.enrollment("s1", "u1"))

    def test_one_that_is_never_taken_is_refused_alone_and_costs_little(self, course: World) -> None:
        """A text that is too long for its column, say: from outside it looks as a deadlock does."""
        course.fault("refuse_items", path=ENROL, people=True, each=course.accounts["u23"])
        outcomes = course.apply(*[course.enrollment("s1", f"u{n}") for n in range(40)])
        refused = {n: (each.message, each.code) for n, each in enumerate(outcomes) if each.status != "done"}
        assert refused == {23: ("Error writing to database", 503)}
        assert len(course.calls()) <= 1 + 3 + 2 * 6 + 1, "three more of the whole, halves, and one more of the one"
        course.forget_calls()
        (alone,) = course.apply(course.enrollment("s1", "u23"))
        assert (alone.status, len(course.calls())) == ("refused", 4)

    def test_a_database_that_takes_nothing_is_not_asked_for_ever(self, course: World) -> None:
        course.fault("write_error", path=ENROL)
        outcomes = course.apply(*[course.enrollment("s1", f"u{n}") for n in range(40)])
        assert {each.status for each in outcomes} == {"refused"}
        assert len(course.calls()) <= 79 + 3 + 10

    def test_other_refusals_are_not_sent_again(self, course: World) -> None:
        course.fault("no_permission", path=ENROL)
        outcomes = course.apply(course.enrollment("s1", "u1"))
        assert [(each.status, each.code) for each in outcomes] == [("refused", 400)]
        assert course.calls() == [ENROL]

    def test_calls_get_smaller_where_records_are_bad_and_larger_again(self, course: World) -> None:
        course.done(*[course.user(f"u{n}") for n in range(40, 120)])
        everybody = [course.enrollment("s1", f"u{n}") for n in range(120)]
        course.fault("refuse_items", path=ENROL, people=True, each=course.accounts["u60"], code="odd", message="No")
        course.forget_calls()
        outcomes = course.apply(*everybody)
        assert [n for n, each in enumerate(outcomes) if each.status != "done"] == [60]
        assert len(course.calls()) <= 1 + 2 * 7, "a half that must hold the bad one is not sent as it is"
        course.no_faults()
        sizes = []
        for _ in range(4):
            course.forget_calls()
            course.done(*everybody)
            sizes.append(len(course.calls()))
        assert sizes == [2, 1, 1, 1] or sizes == [2, 2, 1, 1]

    def test_of_a_call_that_does_each_by_itself_only_those_are(self, course: World) -> None:
        people = {n: course.accounts[f"u{n}"] for n in range(4)}
        course.fault("refuse_items", path="core_user_update_users", each=3, times=1)
        course.done(
            *[course.user(f"u{n}", "update", {"lms_id": own, "before": {"first_name": "Old"}}, first_name="New")
              for n, own in people.items()]
        )  # fmt: skip
        assert course.calls() == ["core_user_update_users"] * 2
        assert [each["firstname"] for each in course.state()["users"]].count("New") == 4

    def test_of_which_the_second_answer_is_lost_only_those_are_unknown(self, course: World) -> None:
        people = {n: course.accounts[f"u{n}"] for n in range(12)}
        for sizes in course.target._sizes.values():
            sizes.lost(10)  # calls of five from now on
        course.fault("refuse_items", path="core_user_update_users", each=3, times=1)
        course.fault("drop_answer", path="core_user_update_users", after=1, times=1)
        outcomes = course.apply(
            *[course.user(f"u{n}", "update", {"lms_id": own, "before": {"first_name": "Old"}}, first_name="New")
              for n, own in people.items()]
        )  # fmt: skip
        assert [n for n, each in enumerate(outcomes) if each.status != "done"] == [2]
        assert outcomes[2].status == "unknown"

    def test_a_run_that_is_stopped_while_it_waits_keeps_what_was_done(self, course: World) -> None:
        class Stopping(Going):
            def wait(self, seconds: float) -> None:
                raise RunCancelled("a person stopped the run")

        course.target._client._cancel = Stopping()
        course.fault("write_error", path=ENROL)
        with pytest.raises(RunCancelled):
            course.apply(course.enrollment("s1", "u1"))
        course.no_faults()
        for sizes in course.target._sizes.values():
            sizes.lost(10)  # calls of five from now on
        course.fault("write_error", path=ENROL, after=1)
        outcomes = course.apply(*[course.enrollment("s1", f"u{n}") for n in range(12)])
        assert [each.status for each in outcomes].count("done") == 5
        assert {each.status for each in outcomes} == {"done", "unknown"}


def test_people_are_in_one_order_in_every_call(course: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    write = course.target._client.write

    def watched(function: str, what: str, **items: Any) -> Any:
        sent.extend(int(each["userid"]) for each in items["enrolments"])
        return write(function, what, **items)

    monkeypatch.setattr(course.target._client, "write", watched)
    chosen = ("u7", "u31", "u9", "u1")
    outcomes = course.done(*[course.enrollment("s1", name) for name in chosen])
    assert sent == sorted(sent)
    assert [each.split("|")[1] for each in outcomes] == [course.accounts[name] for name in chosen]


def test_what_must_not_be_under_way_twice_at_once(switch: Switch, tmp_path: Path) -> None:
    with closing(World(switch, tmp_path, {})) as world:
        check_names(world)


def check_names(world: World) -> None:
    apart = world.target.traits.apart
    assert apart is not None
    first, second, other = (apart(world.enrollment(*pair)) for pair in (("s1", "u1"), ("s2", "u1"), ("s1", "u2")))
    assert first == second != other
    first, second, other = (apart(world.section(f"s{place}", place)) for place in ("301", "301", "302"))
    assert first == second != other
    assert apart(world.user("u1")) is None
    assert apart(world.building("a")) == apart(world.building("b")) is not None


def to_and_fro(placed: tuple[int, tuple[Change, str, str]]) -> int:
    """In every second course people come in the other order."""
    _, (_, section, user) = placed
    return int(user) if int(section) % 2 else -int(user)


def crowded(students: int, classes: int) -> District:
    """Two schools; everybody is in five classes that they share with others in each."""
    district = District().school("A").school("B").term("fall").course("cA", "A").course("cB", "B")
    for n in range(classes):
        district.clazz(f"k{n}", "cA" if n % 2 else "cB", "A" if n % 2 else "B").teacher(f"t{n}", "A")
        district.enroll(f"k{n}", f"t{n}", role="teacher")
    for n in range(students):
        district.student(f"s{n}", "A", "B")
        for k in range(5):
            district.enroll(f"k{(n * 7 + k * 3) % classes}", f"s{n}")
    return district


@pytest.mark.parametrize("way", ["apart", "in one order", "crosswise"])
def test_a_first_sync_among_locked_rows_ends_with_everybody_and_the_next_run_writes_nothing(
    switch: Switch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Also where calls cannot be kept apart, as beside the work of people and of other programs."""
    if way != "apart":
        monkeypatch.setattr("rollbook.connectors.moodle.target.MoodleTarget._apart", lambda self, change: None)
    if way == "crosswise":
        monkeypatch.setattr("rollbook.connectors.moodle.enrollments._rows_in_order", to_and_fro)
    with closing(World(switch, tmp_path, {}, batch_size=20, parallel=4)) as world:
        check_first_sync(world, tmp_path)
        locks = world.site.locks
        assert (locks.waits > 0) is (way != "apart")
        assert (locks.deadlocks > 0) is (way == "crosswise")


def check_first_sync(world: World, folder: Path) -> None:
    world.fault("deadlocks", seconds=0.002)
    district = crowded(students=60, classes=12)
    org = Organization(folder, district, roles=ROLES, limits=NO_LIMITS)
    org.target = Watched(world.target)
    result = org.run()
    assert result.state == "done"
    assert [result.kinds[kind]["refused"] + result.kinds[kind]["unknown"] for kind in KINDS] == [0] * len(KINDS)
    assert {(row[0], row[1]) for row in world.state()["enrolments"]} == {
        (row["classSourcedId"], row["userSourcedId"]) for row in district.rows["enrollments"]
    }
    world.forget_calls()
    again = org.run()
    assert again.state == "done"
    assert not [each for each in world.calls() if "_get_" not in each]


@pytest.mark.rule(27)
def test_what_the_database_did_not_take_is_sent_by_the_next_run(switch: Switch, tmp_path: Path) -> None:
    with closing(World(switch, tmp_path, {})) as world:
        district = crowded(students=8, classes=4)
        org = Organization(tmp_path, district, roles=ROLES, limits=NO_LIMITS)
        org.target = Watched(world.target)
        world.fault("write_error", path=ENROL)
        result = org.run()
        assert (result.state, result.kinds["enrollment"]["refused"]) == ("done", len(district.rows["enrollments"]))
        assert world.state()["enrolments"] == []
        world.no_faults()
        result = org.next_day().run()
        assert result.kinds["enrollment"]["done"] == len(district.rows["enrollments"])
        assert len(world.state()["enrolments"]) == len(district.rows["enrollments"])
