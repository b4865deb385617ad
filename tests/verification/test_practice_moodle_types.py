"""Parameters and answers of the practice Moodle are those of Moodle's own descriptions, as `pymoodle` types them."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import moodle.ws.types
import msgspec
import pytest
from moodle.ws.methods import WebserviceMethods

from rollbook.practice.moodle.functions import FUNCTIONS
from rollbook.practice.moodle.params import Group, Many
from tests.verification.moodle_client import Client

#: Parameters that the client's release takes and the newest source does not.
_DROPPED = {"enrol_manual_unenrol_users": {".enrolments[].roleid"}}


def _hints(function: str) -> dict[str, Any]:
    return get_type_hints(getattr(WebserviceMethods, function), localns={"_types": moodle.ws.types})


def _plain(hint: Any) -> Any:
    """Without NotRequired and None."""
    if get_origin(hint) in {Union, types.UnionType}:
        (hint,) = [each for each in get_args(hint) if each is not type(None)]
    return hint


def _keys(hint: Any, before: str = "") -> set[str]:
    """Every key below a type, as a path."""
    hint = _plain(hint)
    if get_origin(hint) is list:
        return _keys(get_args(hint)[0], before + "[]")
    if not is_typeddict(hint):
        return set()
    found = set()
    for name, inner in get_type_hints(hint).items():
        found |= {f"{before}.{name}"} | _keys(inner, f"{before}.{name}")
    return found


def _taken(described: Any, before: str = "") -> set[str]:
    if isinstance(described, Many):
        return _taken(described.content, before + "[]")
    if not isinstance(described, Group):
        return set()
    found = set()
    for name, inner in described.fields.items():
        found |= {f"{before}.{name}"} | _taken(inner, f"{before}.{name}")
    return found


def _answered(data: Any, before: str = "") -> set[str]:
    if isinstance(data, list):
        return set().union(*(_answered(each, before + "[]") for each in data))
    if not isinstance(data, dict):
        return set()
    return set().union(*({f"{before}.{name}"} | _answered(each, f"{before}.{name}") for name, each in data.items()))


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_parameters(function: str) -> None:
    hints = {name: hint for name, hint in _hints(function).items() if name != "return"}
    theirs = {f".{name}" for name in hints}
    for name, hint in hints.items():
        theirs |= _keys(hint, f".{name}")
    assert _taken(FUNCTIONS[function].takes) == theirs - _DROPPED.get(function, set())


def _calls(site: Client) -> dict[str, dict[str, Any]]:
    """For each function a call that has something to answer; what deletes comes last."""
    ann, bob = site.users("ann", "bob")
    course = site.course()
    site.enrol(course, ann)
    return {
        **_of_people(site, ann), **_of_courses(course, site.category("oak")), **_of_members(course, ann, bob),
        **_of_cohorts(site, bob), **_of_grades(site, course), "core_webservice_get_site_info": {},
        "core_course_delete_courses": {"courseids": [7]}, "core_user_delete_users": {"userids": [bob]},
    }  # fmt: skip


def _of_people(site: Client, ann: int) -> dict[str, dict[str, Any]]:
    return {
        "core_user_create_users": {"users": [site.user("eve")]},
        "core_user_update_users": {"users": [{"id": 9, "firstname": "Bo"}]},
        "core_user_get_users_by_field": {"field": "id", "values": [ann]},
        "core_user_get_users": {"criteria": [{"key": "lastname", "value": "D%"}, {"key": "shoe", "value": "9"}]},
    }


def _of_courses(course: int, category: int) -> dict[str, dict[str, Any]]:
    return {
        "core_course_get_categories": {}, "core_course_create_categories": {"categories": [{"name": "New"}]},
        "core_course_update_categories": {"categories": [{"id": category, "name": "Oak"}]},
        "core_course_get_courses": {},
        "core_course_create_courses": {"courses": [{"fullname": "N", "shortname": "n", "categoryid": category}]},
        "core_course_update_courses": {"courses": [{"id": 7, "fullname": "M"}]},
        "core_course_get_courses_by_field": {"field": "ids", "value": f"{course},7"},
    }  # fmt: skip


def _of_members(course: int, ann: int, bob: int) -> dict[str, dict[str, Any]]:
    options = [{"name": "limitnumber", "value": "5"}]
    role = {"roleid": 4, "userid": bob, "contextlevel": "course", "instanceid": course}
    asked = [{"courseid": course, "capabilities": ["mod/assign:submit"]}]
    return {
        "enrol_manual_enrol_users": {"enrolments": [{"roleid": 5, "userid": bob, "courseid": course}]},
        "enrol_manual_unenrol_users": {"enrolments": [{"userid": bob, "courseid": course}]},
        "core_enrol_get_enrolled_users": {"courseid": course, "options": options},
        "core_enrol_get_enrolled_users_with_capability": {"coursecapabilities": asked, "options": options},
        "core_enrol_get_users_courses": {"userid": ann},
        "core_role_assign_roles": {"assignments": [role]}, "core_role_unassign_roles": {"unassignments": [role]},
    }  # fmt: skip


def _of_cohorts(site: Client, bob: int) -> dict[str, dict[str, Any]]:
    cohort = {"categorytype": {"type": "system", "value": ""}, "name": "C", "idnumber": "co"}
    cohort_id = site.call("core_cohort_create_cohorts", cohorts=[cohort])[0]["id"]
    member = {"cohorttype": {"type": "id", "value": cohort_id}, "usertype": {"type": "id", "value": 99}}
    return {
        "core_cohort_create_cohorts": {"cohorts": [{**cohort, "idnumber": "other"}]},
        "core_cohort_get_cohorts": {"cohortids": [cohort_id]},
        "core_cohort_search_cohorts": {"query": "C", "context": {"contextid": 1}},
        "core_cohort_add_cohort_members": {"members": [member]},
        "core_cohort_delete_cohort_members": {"members": [{"cohortid": cohort_id, "userid": bob}]},
        "core_cohort_get_cohort_members": {"cohortids": [cohort_id]},
    }


def _of_grades(site: Client, course: int) -> dict[str, dict[str, Any]]:
    book = {"course": course, "items": [{"name": "Essay"}], "grades": [{"item": "Essay", "user": "ann", "grade": 7}]}
    essay = site.practice("gradebook", book)["items"]["Essay"] + 500_000
    return {
        "gradereport_user_get_grade_items": {"courseid": course}, "core_grades_get_gradeitems": {"courseid": course},
        "core_grades_get_grade_tree": {"courseid": course},
        "gradereport_user_get_access_information": {"courseid": course},
        "core_course_get_contents": {"courseid": course, "options": [{"name": "excludecontents", "value": "1"}]},
        "mod_assign_get_assignments": {"courseids": [course, 7], "includenotenrolledcourses": 1},
        "mod_assign_get_grades": {"assignmentids": [essay, 7]},
    }  # fmt: skip


def test_answers(moodle_with: Callable[..., Client]) -> None:
    site = moodle_with()
    calls = _calls(site)
    assert sorted(calls) == sorted(FUNCTIONS)
    strange: dict[str, Any] = {}
    for function, given in calls.items():
        answer = site.call(function, **given)
        hint = _hints(function)["return"]
        try:
            msgspec.convert(answer, hint)
        except msgspec.ValidationError as error:
            strange[function] = str(error)
            continue
        more = _answered(answer) - _keys(hint)
        if more:
            strange[function] = more
    assert strange == {}
