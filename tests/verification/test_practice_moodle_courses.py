"""Categories, courses, enrolments and roles of the practice Moodle."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.verification.moodle_client import Client

_COURSES, _UPDATE = "core_course_create_courses", "core_course_update_courses"
_ENROL, _UNENROL = "enrol_manual_enrol_users", "enrol_manual_unenrol_users"
_ENROLLED = "core_enrol_get_enrolled_users"
_With = Callable[..., Client]


def _ids(moodle: Client, course: int, **options: Any) -> list[int]:
    listed = [{"name": name, "value": value} for name, value in options.items()]
    return [each["id"] for each in moodle.call(_ENROLLED, courseid=course, options=listed)]


def test_categories_are_a_tree(moodle: Client) -> None:
    top = moodle.category()
    made = moodle.call("core_course_create_categories", categories=[{"name": "A", "parent": top, "idnumber": "a"}])
    below = made[0]["id"]
    listed = moodle.call("core_course_get_categories", criteria=[{"key": "idnumber", "value": "elm"}])
    assert [(each["id"], each["path"], each["depth"]) for each in listed] == [
        (top, f"/{top}", 1), (below, f"/{top}/{below}", 2),
    ]  # fmt: skip
    loop = [{"id": top, "parent": below}]
    assert moodle.error("core_course_update_categories", categories=loop) == "cannotmovecategory"
    assert moodle.call("core_course_update_categories", categories=[{"id": below, "parent": 0}]) is None
    alone = [{"key": "id", "value": top}]
    assert [each["id"] for each in moodle.call("core_course_get_categories", criteria=alone)] == [top]


@pytest.mark.parametrize(
    ("category", "code"),
    [
        ({"name": "B", "idnumber": "elm"}, "categoryidnumbertaken"), ({"name": ""}, "categorynamerequired"),
        ({"name": "x" * 256}, "categorytoolong"), ({"name": "B", "idnumber": "x" * 101}, "idnumbertoolong"),
        ({"name": "B", "parent": 7}, "unknowcategory"),
    ],
)  # fmt: skip
def test_refused_categories(moodle: Client, category: dict[str, Any], code: str) -> None:
    moodle.category()
    listed = [{"name": "Before", "idnumber": "before"}, category]
    assert moodle.error("core_course_create_categories", categories=listed) == code
    assert [each["idnumber"] for each in moodle.state()["categories"]] == ["elm"]
    assert moodle.error("core_course_update_categories", categories=[{"id": 7}]) == "unknowncategory"
    assert moodle.error("core_course_get_categories", criteria=[{"key": "shoe", "value": 9}]) == "criteriaerror"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"shortname": "c1"}, "shortnametaken"), ({"idnumber": "c1"}, "courseidnumbertaken"),
        ({"categoryid": 7}, "errorcatcontextnotvalid"), ({"fullname": " "}, "errorinvalidparam"),
        ({"startdate": 200, "enddate": 100}, "enddatebeforestartdate"),
        ({"startdate": 0, "enddate": 100}, "nostartdatenoenddate"), ({"shortname": "x" * 256}, "dmlwriteexception"),
        ({"fullname": "<b>bold</b>"}, "invalidparameter"),
    ],
)  # fmt: skip
def test_refused_courses(moodle: Client, change: dict[str, Any], code: str) -> None:
    moodle.course()
    good = {"fullname": "C", "shortname": "c2", "idnumber": "c2", "categoryid": 1}
    other = {**good, "shortname": "c3", "idnumber": "c3"}
    assert moodle.error(_COURSES, courses=[other, {**good, **change}]) == code
    assert [each["idnumber"] for each in moodle.state()["courses"]] == ["c1"]


def test_dates_of_courses(moodle: Client) -> None:
    moodle.practice("now", {"now": 1_800_000_000})
    course = moodle.course()
    (row,) = moodle.state()["courses"]
    assert (row["startdate"], row["enddate"]) == (1_799_971_200, 1_799_971_200 + 365 * 86_400)
    (warning,) = moodle.call(_UPDATE, courses=[{"id": course, "enddate": 1_900_000_000}])["warnings"]
    assert warning["warningcode"] == "nostartdatenoenddate"
    dates = {"startdate": 1_850_000_000, "enddate": 1_900_000_000}
    assert moodle.call(_UPDATE, courses=[{"id": course, **dates}]) == {"warnings": []}


def test_courses_change_one_by_one(moodle: Client) -> None:
    one, two = moodle.course("c1"), moodle.course("c2")
    found = moodle.call(_UPDATE, courses=[
        {"id": one, "shortname": "c2"}, {"id": 7, "fullname": "x"}, {"id": 1, "fullname": "x"},
        {"id": two, "fullname": "New", "categoryid": 1, "visible": 0},
    ])  # fmt: skip
    assert [(each["item"], each["itemid"], each["warningcode"]) for each in found["warnings"]] == [
        ("course", one, "shortnametaken"), ("course", 7, "invalidrecord"), ("course", 1, "invalidcourse"),
    ]  # fmt: skip
    row = moodle.state()["courses"][1]
    assert (row["fullname"], row["category"], row["visible"]) == ("New", "Category 1", 0)


def test_the_front_page_is_a_course_too(moodle: Client) -> None:
    course = moodle.course()
    assert [each["id"] for each in moodle.typed.core_course_get_courses()] == [1, course]
    assert [each["id"] for each in moodle.call("core_course_get_courses", options={"ids": [course, 7]})] == [course]
    found = moodle.call("core_course_get_courses_by_field", field="idnumber", value="c1")
    assert [each["id"] for each in found["courses"]] == [course]
    assert moodle.error("core_course_get_courses_by_field", field="shoe", value="9") == "invalidparameter"
    some = moodle.call("core_course_get_courses_by_field", field="ids", value=f"{course},7")
    assert [each["itemid"] for each in some["warnings"]] == [7]


def test_a_course_that_may_not_be_seen_refuses_the_list(moodle_with: _With) -> None:
    site = moodle_with(denied=frozenset({"moodle/course:view"}))
    site.course()
    assert site.error("core_course_get_courses") == "nopermissions"


def test_deleted_courses_take_all_with_them(moodle: Client) -> None:
    (ann,) = moodle.users("ann")
    course = moodle.course()
    moodle.enrol(course, ann)
    found = moodle.call("core_course_delete_courses", courseids=[7, course])
    assert [each["itemid"] for each in found["warnings"]] == [7]
    state = moodle.state()
    assert (state["courses"], state["enrolments"], state["deletions"]) == ([], [], [["course", course]])


def test_enrolling_again_sets_everything_anew(moodle: Client) -> None:
    (ann,) = moodle.users("ann")
    course = moodle.course()
    assert moodle.enrol(course, ann, timestart=100, timeend=200, suspend=1) is None
    assert moodle.state()["enrolments"] == [["c1", "id-ann", "manual", 1, 100, 200]]
    moodle.enrol(course, ann, role=3)
    state = moodle.state()
    assert state["enrolments"] == [["c1", "id-ann", "manual", 0, 0, 0]]
    assert state["roles"] == [["c1", "id-ann", 3], ["c1", "id-ann", 5]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"courseid": 7}, "invalidparameter"), ({"userid": 7}, "invalidrecord"), ({"roleid": 2}, "wsusercannotassign"),
        ({"userid": 1}, "guestsarenotallowed"), ({"courseid": 1}, "wsnoinstance"),
        ({"timestart": ""}, "invalidparameter"),
    ],
)  # fmt: skip
def test_refused_enrolments_undo_the_others(moodle: Client, change: dict[str, Any], code: str) -> None:
    ann, bob = moodle.users("ann", "bob")
    course = moodle.course()
    one = {"roleid": 5, "userid": ann, "courseid": course}
    assert moodle.error(_ENROL, enrolments=[one, {**one, "userid": bob, **change}]) == code
    assert moodle.state()["enrolments"] == []


@pytest.mark.parametrize(("site", "mails"), [({"moodle": "5.0"}, 4), ({"moodle": "4.1"}, 0)])
def test_welcome_messages_go_to_all_that_a_call_names(moodle_with: _With, site: dict[str, Any], mails: int) -> None:
    """Also to who is enrolled already or is being suspended; to nobody as long as the course has no teacher."""
    moodle = moodle_with(welcome_messages=True, **site)
    course, (ann, bob, eve) = moodle.course(), moodle.users("ann", "bob", "eve")
    moodle.enrol(course, ann, bob)
    moodle.enrol(course, eve, role=3)
    assert moodle.state()["mails"] == {}
    moodle.enrol(course, ann, bob)
    moodle.enrol(course, ann, suspend=1)
    moodle.enrol(course, eve, role=3)
    assert moodle.state()["mails"].get("enrolcoursewelcomemessage", 0) == mails


def test_suspended_people_can_be_enrolled_and_deleted_ones_not(moodle: Client) -> None:
    ann, bob = moodle.users("ann", "bob")
    course = moodle.course()
    moodle.call("core_user_update_users", users=[{"id": ann, "suspended": 1}])
    assert moodle.enrol(course, ann) is None
    moodle.call("core_user_delete_users", userids=[bob])
    assert moodle.enrol(course, bob)["errorcode"] == "userdeleted"


def test_unenrolling(moodle: Client) -> None:
    ann, bob = moodle.users("ann", "bob")
    course = moodle.course()
    moodle.enrol(course, ann)
    one = {"userid": ann, "courseid": course}
    assert moodle.error(_UNENROL, enrolments=[one, {**one, "courseid": 7}]) == "invalidrecord"
    assert moodle.call(_UNENROL, enrolments=[one, {**one, "userid": bob}]) is None
    state = moodle.state()
    assert (state["enrolments"], state["roles"]) == ([], [])
    assert moodle.error(_UNENROL, enrolments=[{**one, "roleid": 5}]) == "invalidparameter"


def test_who_is_enrolled(moodle: Client) -> None:
    ann, bob, eve = moodle.users("ann", "bob", "eve")
    course, now = moodle.course(), int(time.time())
    moodle.enrol(course, ann)
    moodle.enrol(course, bob, role=3, suspend=1)
    moodle.enrol(course, eve, timestart=now + 900)
    assert _ids(moodle, course) == [ann, bob, eve]
    assert _ids(moodle, course, onlyactive=1) == [ann]
    assert _ids(moodle, course, onlysuspended=1) == [bob, eve]
    assert _ids(moodle, course, limitfrom=1, limitnumber=1) == [bob]
    assert _ids(moodle, course, withcapability="moodle/course:update") == [bob]
    assert _ids(moodle, course, sortby="id", sortdirection="desc") == [eve, bob, ann]
    found = moodle.call(_ENROLLED, courseid=course, options=[{"name": "userfields", "value": "idnumber,roles"}])
    assert found[1] == {
        "id": bob, "fullname": "Ana Diaz", "idnumber": "id-bob",
        "roles": [{"roleid": 3, "name": "", "shortname": "editingteacher", "sortorder": 3}],
    }  # fmt: skip
    assert [each["id"] for each in moodle.call("core_enrol_get_users_courses", userid=ann)] == [course]
    assert moodle.call("core_enrol_get_users_courses", userid=bob) == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"onlyactive": 1, "onlysuspended": 1}, "codingerror"), ({"sortby": "shoe"}, "invalidparameter"),
        ({"sortdirection": "up"}, "invalidparameter"), ({"userfields": "shoe"}, "invaliduserfield"),
    ],
)  # fmt: skip
def test_refused_options(moodle: Client, options: dict[str, Any], code: str) -> None:
    listed = [{"name": name, "value": value} for name, value in options.items()]
    assert moodle.error(_ENROLLED, courseid=moodle.course(), options=listed) == code
    assert moodle.error(_ENROLLED, courseid=7) == "invalidrecord"


@pytest.mark.parametrize(("groupmode", "may", "shown"), [(1, False, 0), (1, True, 1), (2, False, 1), (0, False, 1)])
def test_separate_groups_are_hidden_without_a_word(moodle_with: _With, groupmode: int, may: bool, shown: int) -> None:
    denied = frozenset() if may else frozenset({"moodle/site:accessallgroups"})
    site = moodle_with(denied=denied)
    course = site.course(groupmode=groupmode)
    site.enrol(course, *site.users("ann"))
    assert len(site.call(_ENROLLED, courseid=course)) == shown


def test_roles(moodle: Client) -> None:
    (ann,) = moodle.users("ann")
    course = moodle.course()
    role = {"roleid": 4, "userid": ann, "contextlevel": "course", "instanceid": course}
    assert moodle.call("core_role_assign_roles", assignments=[role, role]) is None
    assert moodle.state()["roles"] == [["c1", "id-ann", 4]]
    assert _ids(moodle, course) == []
    assert moodle.error("core_role_assign_roles", assignments=[{**role, "roleid": 2}]) == "invalidparameter"
    assert moodle.call("core_role_unassign_roles", unassignments=[role]) is None
    assert moodle.state()["roles"] == []


def test_cohorts(moodle: Client) -> None:
    ann, bob = moodle.users("ann", "bob")
    cohort = {"categorytype": {"type": "system", "value": ""}, "name": "C", "idnumber": "co"}
    (made,) = moodle.call("core_cohort_create_cohorts", cohorts=[cohort])
    assert moodle.error("core_cohort_create_cohorts", cohorts=[{**cohort, "idnumber": "new"}, cohort]) == (
        "invalidparameter"
    )
    which = {"type": "idnumber", "value": "co"}
    listed = [
        {"cohorttype": which, "usertype": {"type": "id", "value": ann}},
        {"cohorttype": which, "usertype": {"type": "username", "value": "nobody"}},
        {"cohorttype": which, "usertype": {"type": "id", "value": ann}},
        {"cohorttype": {"type": "shoe", "value": "9"}, "usertype": {"type": "id", "value": bob}},
    ]
    found = moodle.call("core_cohort_add_cohort_members", members=listed)
    assert [each["warningcode"] for each in found["warnings"]] == ["2", "3", "1"]
    assert moodle.state()["cohorts"] == [{"name": "C", "idnumber": "co", "members": ["id-ann"]}]
    gone = [{"cohortid": made["id"], "userid": user} for user in (ann, bob)]
    assert moodle.call("core_cohort_delete_cohort_members", members=gone) is None
    assert moodle.call("core_cohort_get_cohort_members", cohortids=[made["id"]])[0]["userids"] == []
