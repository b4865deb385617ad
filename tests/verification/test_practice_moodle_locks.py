"""Calls at once: rows that are locked until a call ends, calls that wait for each other, and a machine of few cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.verification.moodle_client import Client

_With = Callable[..., Client]
_ENROL = "enrol_manual_enrol_users"
#: Seconds of work at each of a dozen rows, and at each of two: a call that begins late must still meet the other one.
_OF_MANY, _OF_TWO = 0.05, 0.5


def _at_once(moodle: Client, function: str, *given: dict[str, Any]) -> list[Any]:
    """Answers of calls that are sent at the same time, as nearly as a busy machine does that."""
    ready = Barrier(len(given))

    def send(one: dict[str, Any]) -> Any:
        ready.wait()
        return moodle.send(function, one).json()

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(send, given))


def _listed(course: int, users: Sequence[int]) -> dict[str, Any]:
    return {"enrolments": [{"roleid": 5, "userid": user, "courseid": course} for user in users]}


def _codes(answers: list[Any]) -> list[str]:
    return sorted("" if each is None else str(each["errorcode"]) for each in answers)


@pytest.fixture
def school(moodle: Client) -> tuple[Client, list[int], list[int]]:
    """Two courses and a dozen people, with row locks."""
    courses, users = [moodle.course("c1"), moodle.course("c2")], moodle.users(*(f"u{n}" for n in range(12)))
    moodle.faults(f"deadlocks:seconds={_OF_MANY}")
    return moodle, courses, users


def test_of_two_calls_that_wait_for_each_other_one_is_undone(school: tuple[Client, list[int], list[int]]) -> None:
    moodle, (one, two), users = school
    answers = _at_once(moodle, _ENROL, _listed(one, users), _listed(two, users[::-1]))
    assert _codes(answers) == ["", "dmlwriteexception"]
    assert {row[0] for row in moodle.state()["enrolments"]} == {"c1" if answers[0] is None else "c2"}
    assert len(moodle.state()["enrolments"]) == 12
    assert moodle.call(_ENROL, **_listed(two, users)) is None, "alone it goes through"


def test_in_one_order_they_wait_and_both_are_done(school: tuple[Client, list[int], list[int]]) -> None:
    moodle, (one, two), users = school
    started = time.monotonic()
    assert _codes(_at_once(moodle, _ENROL, _listed(one, users), _listed(two, users))) == ["", ""]
    assert time.monotonic() - started >= 2 * 12 * _OF_MANY, "the second one began when the first had ended"
    assert len(moodle.state()["enrolments"]) == 24


def test_with_nobody_in_common_none_waits(school: tuple[Client, list[int], list[int]]) -> None:
    moodle, (one, two), users = school
    answers = _at_once(moodle, _ENROL, _listed(one, users[:6]), _listed(two, users[6:]))
    assert _codes(answers) == ["", ""]
    assert moodle.app.state.moodle.locks.waits == 0


def test_a_wait_that_is_too_long(school: tuple[Client, list[int], list[int]]) -> None:
    moodle, (one, two), users = school
    moodle.faults("deadlocks:seconds=0.05,patience=0.1")
    assert _codes(_at_once(moodle, _ENROL, _listed(one, users), _listed(two, users))) == ["", "dmlwriteexception"]


def test_roles_and_unenrolling_lock_people_too(school: tuple[Client, list[int], list[int]]) -> None:
    moodle, (one, two), users = school
    moodle.enrol(one, *users)
    moodle.enrol(two, *users)
    taken = [
        {"unassignments": [
            {"roleid": 5, "userid": user, "contextlevel": "course", "instanceid": course} for user in order
        ]}
        for course, order in ((one, users), (two, users[::-1]))
    ]  # fmt: skip
    assert _codes(_at_once(moodle, "core_role_unassign_roles", *taken)) == ["", "dmlwriteexception"]
    gone = [
        {"enrolments": [{"userid": user, "courseid": course} for user in order]}
        for course, order in ((one, users), (two, users[::-1]))
    ]
    assert _codes(_at_once(moodle, "enrol_manual_unenrol_users", *gone)) == ["", "dmlwriteexception"]


def test_new_courses_lock_those_of_their_category(moodle: Client) -> None:
    first, second = moodle.category("a"), moodle.category("b")
    moodle.faults(f"deadlocks:seconds={_OF_TWO}")
    given = [
        {"courses": [
            {"fullname": f"{name}{place}", "shortname": f"{name}{place}", "categoryid": place} for place in order
        ]}
        for name, order in (("x", (first, second)), ("y", (second, first)))
    ]  # fmt: skip
    assert _codes([each if isinstance(each, dict) else None for each in
                   _at_once(moodle, "core_course_create_courses", *given)]) == ["", "dmlwriteexception"]  # fmt: skip


def test_why_is_told_where_debugging_is_on(moodle_with: _With) -> None:
    moodle = moodle_with(debug="normal")
    courses, users = [moodle.course("c1"), moodle.course("c2")], moodle.users("a", "b")
    moodle.faults(f"deadlocks:seconds={_OF_TWO}")
    answers = _at_once(moodle, _ENROL, _listed(courses[0], users), _listed(courses[1], users[::-1]))
    (victim,) = [each for each in answers if each is not None]
    assert (victim["exception"], victim["debuginfo"]) == ("dml_write_exception", "deadlock detected")


def test_two_workers_work_at_two_calls(moodle_with: _With) -> None:
    moodle = moodle_with(workers=2, call_seconds=0.15)
    started = time.monotonic()
    _at_once(moodle, "core_webservice_get_site_info", *[{}] * 4)
    assert time.monotonic() - started >= 0.3
