"""The gradebook of the practice Moodle as its web services tell it, and what is lost when somebody is unenrolled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.verification.moodle_client import Client

_REPORT = "gradereport_user_get_grade_items"
_With = Callable[..., Client]
_ITEMS = [
    {"name": "Essay", "category": "Homework", "max": 50, "due": 1_700_000_000, "idnumber": "essay"},
    {"name": "Quiz", "module": "quiz", "max": 10}, {"name": "Oral", "module": "", "scale": ["poor", "good"]},
]  # fmt: skip


def _book(moodle: Client, *grades: dict[str, Any], items: list[dict[str, Any]] | None = None) -> int:
    """A course with two students and these grades."""
    course = moodle.course()
    moodle.enrol(course, *moodle.users("ann", "bob"))
    book = {"course": "c1", "categories": [{"name": "Homework"}], "items": items or _ITEMS, "grades": grades}
    moodle.practice("gradebook", book)
    return course


def _lines(moodle: Client, course: int, user: int = 0) -> dict[str, list[dict[str, Any]]]:
    found = moodle.call(_REPORT, courseid=course, userid=user)["usergrades"]
    return {each["useridnumber"]: each["gradeitems"] for each in found}


def _named(lines: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(line for line in lines if line["itemname"] == name)


def test_the_report_of_all_students(moodle: Client) -> None:
    course = _book(
        moodle, {"item": "Essay", "user": "ann", "grade": 40, "feedback": "<p>Good</p>", "graded": 1_700_000_100},
        {"item": "Oral", "user": "ann", "grade": 2}, {"item": "Quiz", "user": "ann", "grade": 5, "excluded": 1},
    )  # fmt: skip
    people = _lines(moodle, course)
    assert list(people) == ["id-ann", "id-bob"]
    ann = people["id-ann"]
    assert [(line["itemtype"], line["itemname"]) for line in ann] == [
        ("mod", "Essay"), ("category", None), ("mod", "Quiz"), ("manual", "Oral"), ("course", None),
    ]  # fmt: skip
    essay = _named(ann, "Essay")
    assert (essay["graderaw"], essay["gradeformatted"], essay["percentageformatted"]) == (40, "40.00", "80.00 %")
    assert (essay["feedback"], essay["gradedategraded"], essay["idnumber"]) == ("<p>Good</p>", 1_700_000_100, "essay")
    assert (_named(ann, "Quiz")["status"], _named(ann, "Quiz")["graderaw"]) == ("dropped", 5)
    assert (_named(ann, "Oral")["graderaw"], _named(ann, "Oral")["gradeformatted"]) == (2, "good")
    assert (ann[-1]["graderaw"], ann[-1]["grademax"]) == (42, 52)
    bob = people["id-bob"]
    assert {line["graderaw"] for line in bob} == {None}
    assert _named(bob, "Essay")["status"] == "novalue"


def test_the_lowest_grade_that_a_rule_leaves_out(moodle: Client) -> None:
    """Told as dropped; of two equal ones it is not told, and weighs nothing all the same."""
    course = moodle.course()
    moodle.enrol(course, *moodle.users("ann", "bob"))
    got = {"ann": (4, 5), "bob": (6, 6)}
    book = {
        "course": "c1", "categories": [{"name": "Tests", "droplow": 1}],
        "items": [{"name": name, "max": 10, "category": "Tests"} for name in ("One", "Two")],
        "grades": [
            {"item": name, "user": user, "grade": grade}
            for user, both in got.items() for name, grade in zip(("One", "Two"), both, strict=True)
        ],
    }  # fmt: skip
    moodle.practice("gradebook", book)
    people = _lines(moodle, course)
    for own, status in (("id-ann", "dropped"), ("id-bob", None)):
        one, two, total, _ = people[own]
        assert (one.get("status"), one["weightraw"], two.get("status"), two["weightraw"]) == (status, 0, None, 1)
        assert (total["itemtype"], total["graderaw"]) == ("category", two["graderaw"])


def test_who_is_suspended_is_reported_alone(moodle: Client) -> None:
    course = _book(moodle, {"item": "Essay", "user": "ann", "grade": 40})
    ann = moodle.call("core_user_get_users_by_field", field="username", values=["ann"])[0]["id"]
    moodle.enrol(course, ann, suspend=1)
    assert list(_lines(moodle, course)) == ["id-bob"]
    assert _named(_lines(moodle, course, ann)["id-ann"], "Essay")["graderaw"] == 40
    assert moodle.error(_REPORT, courseid=course, userid=7) == "invalidrecord"
    assert moodle.error(_REPORT, courseid=7) == "invalidrecord"


@pytest.mark.parametrize("sees", [True, False])
def test_hidden_items(moodle_with: _With, sees: bool) -> None:
    moodle = moodle_with(denied=frozenset(() if sees else {"moodle/grade:viewhidden"}), letter_grades=True)
    moodle.practice("now", {"now": 1_800_000_000})
    items = [{"name": "Never", "hidden": 1}, {"name": "Later", "hidden": 1_900_000_000}, {"name": "Now", "max": 10}]
    grades = [{"item": item["name"], "user": "ann", "grade": 9} for item in items]
    ann = _lines(moodle, _book(moodle, *grades, items=items))["id-ann"]
    shown = {line["itemname"]: (line["gradeishidden"], line["graderaw"]) for line in ann if line["itemname"]}
    hidden = {"Never": (True, 9), "Later": (True, 9)} if sees else {"Later": (True, None)}
    assert shown == {**hidden, "Now": (False, 9)}
    assert _named(ann, "Now")["lettergradeformatted"] == "A-"


def test_names_of_items_and_categories(moodle: Client) -> None:
    course = _book(moodle)
    found = moodle.call("core_grades_get_gradeitems", courseid=course)["gradeItems"]
    assert [(each["itemname"], each["category"]) for each in found] == [
        ("Essay", "Homework"), ("Quiz", "c1"), ("Oral", "c1"),
    ]  # fmt: skip
    tree = moodle.call("core_grades_get_grade_tree", courseid=course)
    assert isinstance(tree, str)
    assert '"name":"Homework","iscategory":true' in tree


def test_assignments(moodle: Client) -> None:
    course = _book(moodle, {"item": "Essay", "user": "ann", "grade": 45, "raw": 40, "overridden": 1, "graded": 500})
    other = moodle.call("mod_assign_get_assignments", courseids=[course])
    assert (other["courses"], other["warnings"][0]["warningcode"]) == ([], "2")
    found = moodle.call("mod_assign_get_assignments", courseids=[course, 7], includenotenrolledcourses=1)
    assert [each["warningcode"] for each in found["warnings"]] == ["1"]
    (essay,) = found["courses"][0]["assignments"]
    assert (essay["name"], essay["duedate"], essay["grade"]) == ("Essay", 1_700_000_000, 50)
    grades = moodle.call("mod_assign_get_grades", assignmentids=[essay["id"], 7])
    assert [each["grade"] for each in grades["assignments"][0]["grades"]] == ["40.00000"]
    assert [each["itemid"] for each in grades["warnings"]] == [7]
    late = moodle.call("mod_assign_get_grades", assignmentids=[essay["id"]], since=501)
    assert late["warnings"][0]["warningcode"] == "3"
    assert _named(_lines(moodle, course)["id-ann"], "Essay")["gradeisoverridden"] is True


@pytest.mark.parametrize("recover", [True, False])
def test_unenrolling_loses_grades(moodle_with: _With, recover: bool) -> None:
    moodle = moodle_with(recover_grades=recover)
    course = _book(moodle, {"item": "Essay", "user": "ann", "grade": 40})
    ann = moodle.call("core_user_get_users_by_field", field="username", values=["ann"])[0]["id"]
    moodle.call("enrol_manual_unenrol_users", enrolments=[{"userid": ann, "courseid": course}])
    assert moodle.state()["gradebook"]["grades"] == []
    moodle.enrol(course, ann)
    assert len(moodle.state()["gradebook"]["grades"]) == int(recover)


def test_suspending_keeps_grades(moodle: Client) -> None:
    course = _book(moodle, {"item": "Essay", "user": "ann", "grade": 40})
    ann = moodle.call("core_user_get_users_by_field", field="username", values=["ann"])[0]["id"]
    moodle.enrol(course, ann, suspend=1)
    assert moodle.state()["gradebook"]["grades"] == [["c1", "Essay", "id-ann", 40.0, 0, ""]]


def test_teachers_change_their_book(moodle: Client) -> None:
    course = _book(moodle, {"item": "Essay", "user": "ann", "grade": 40})
    more = {"items": [{"name": "Essay", "max": 80}], "grades": [{"item": "Essay", "user": "ann", "grade": None}]}
    moodle.practice("gradebook", {"course": course, **more, "remove": ["Quiz"]})
    essay = _named(_lines(moodle, course)["id-ann"], "Essay")
    assert (essay["graderaw"], essay["grademax"]) == (None, 80)
    assert [row[1] for row in moodle.state()["gradebook"]["items"]] == ["Essay", "Oral"]
    wrong = moodle.http.post(f"{moodle.url}/_practice/gradebook", json={"course": "c1", "remove": ["Poem"]})
    assert (wrong.status_code, wrong.json()) == (400, {"error": "no grade item 'Poem'"})


def test_rights_to_grades(moodle_with: _With) -> None:
    moodle = moodle_with(denied=frozenset({"moodle/grade:viewall"}))
    course = _book(moodle)
    assert moodle.error(_REPORT, courseid=course) == "nopermissions"
    found = moodle.call("gradereport_user_get_access_information", courseid=course)
    assert (found["canviewallgrades"], found["canviewmygrades"]) == (False, True)


def _contents(moodle: Client, course: int, **asked: Any) -> dict[str, dict[str, Any]]:
    options = [{"name": name, "value": value} for name, value in asked.items()]
    (topic,) = moodle.call("core_course_get_contents", courseid=course, options=options)
    return {each["name"]: each for each in topic["modules"]}


_DATED = [
    {"name": "Essay", "due": 1_700_000_000},
    {"name": "Test", "module": "quiz", "open": 1_600_000_000, "due": 1_700_000_000},
    {"name": "Debate", "module": "forum", "due": 1_700_000_000, "visible": 0}, {"name": "Paper", "module": ""},
]  # fmt: skip


def test_contents_tell_until_when_activities_are_to_be_done(moodle: Client) -> None:
    course = _book(moodle, items=_DATED)
    found = _contents(moodle, course, excludecontents="1")
    assert {name: [one.get("dataid") for one in each["dates"]] for name, each in found.items()} == {
        "Essay": ["duedate"], "Test": ["timeopen", "timeclose"], "Debate": [None],
    }  # fmt: skip
    assert found["Debate"]["customdata"] == '{"duedate":"1700000000"}'
    assert found["Test"]["instance"] == _named(_lines(moodle, course)["id-ann"], "Test")["iteminstance"]
    assert list(_contents(moodle, course, modname="quiz")) == ["Test"]
    assert _contents(moodle, course, excludemodules="1") == {}
    assert moodle.error("core_course_get_contents", courseid=7) == "invalidrecord"
    wrong = [{"name": "colour", "value": "red"}]
    assert moodle.error("core_course_get_contents", courseid=course, options=wrong) == "errorinvalidparam"


def test_contents_of_an_old_release_do_not_name_their_dates(moodle_with: _With) -> None:
    moodle = moodle_with(moodle="4.1")
    assert "dataid" not in _contents(moodle, _book(moodle, items=_DATED))["Test"]["dates"][0]


def test_hidden_activities_and_courses_are_not_for_everybody(moodle_with: _With) -> None:
    moodle = moodle_with(denied=frozenset({"moodle/course:viewhiddenactivities"}))
    assert set(_contents(moodle, _book(moodle, items=_DATED))) == {"Essay", "Test"}
    moodle = moodle_with(denied=frozenset({"moodle/course:view"}))
    assert moodle.error("core_course_get_contents", courseid=_book(moodle)) == "errorcoursecontextnotvalid"
