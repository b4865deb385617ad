"""How calls of the practice Moodle are read and refused: tokens, services, variables, formats, languages."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from moodle.exceptions import WebserviceException

from rollbook.practice.moodle import create_moodle
from tests.patience import within
from tests.verification.moodle_client import Client

_INFO = "core_webservice_get_site_info"
_With = Callable[..., Client]


def test_site_info_names_the_release_and_what_the_token_may_call(moodle_with: _With) -> None:
    site = moodle_with(moodle="4.1", functions=frozenset({_INFO, "core_user_get_users", "core_grades_get_gradeitems"}))
    info = site.typed.core_webservice_get_site_info()
    assert info["release"] == "4.1.19 (Build: 20250609)"
    assert info["siteurl"] == site.url
    assert [each["name"] for each in info["functions"]] == ["core_user_get_users", _INFO]


def test_refused_calls(moodle_with: _With) -> None:
    site = moodle_with(functions=frozenset({_INFO}), denied=frozenset({"moodle/user:create"}))
    assert site.send(_INFO, wstoken="wrong").json() == {
        "exception": "core\\exception\\moodle_exception", "errorcode": "invalidtoken",
        "message": "Invalid token - token not found",
    }  # fmt: skip
    assert site.call("core_user_get_users", criteria=[]) == {
        "exception": "webservice_access_exception", "errorcode": "accessexception",
        "message": "Access control exception",
    }  # fmt: skip
    assert site.call("core_user_fly")["message"] == "Can't find data record in database table external_functions."
    assert site.send(_INFO, wsfunction=None).json()["errorcode"] == "invalidparameter"


def test_missing_capabilities(moodle_with: _With) -> None:
    denied = {"moodle/user:create", "enrol/manual:enrol", "moodle/course:viewparticipants"}
    site = moodle_with(denied=frozenset(denied))
    found = site.call("core_user_create_users", users=[site.user("ann")])
    assert found["exception"] == "core\\exception\\required_capability_exception"
    assert found["message"] == "Sorry, but you do not currently have permissions to do that (Create users)."
    course = site.course()
    assert site.enrol(course, 2)["errorcode"] == "nopermissions"
    assert site.error("core_enrol_get_enrolled_users", courseid=course) == "nopermissions"
    with pytest.raises(WebserviceException):
        site.typed.core_enrol_get_enrolled_users(courseid=course)


@pytest.mark.parametrize(("release", "namespaced"), [("4.1", False), ("4.4", False), ("4.5", True), ("5.1", True)])
def test_classes_of_errors_by_release(moodle_with: _With, release: str, namespaced: bool) -> None:
    found = moodle_with(moodle=release).call("core_user_get_users")
    assert found["exception"].startswith("core\\exception\\") == namespaced


def test_debugging_tells_more(moodle_with: _With) -> None:
    site = moodle_with(debug="normal")
    site.users("ann")
    found = site.call("core_user_create_users", users=[site.user("ann")])
    assert (found["message"], found["debuginfo"]) == (
        "Invalid parameter value detected", "Username already exists: ann",
    )  # fmt: skip


def test_without_debugging_a_doubled_name_and_a_doubled_address_look_alike(moodle: Client) -> None:
    moodle.users("ann")
    name = moodle.call("core_user_create_users", users=[moodle.user("ann", email="new@school.example")])
    address = moodle.call("core_user_create_users", users=[moodle.user("eve", email="ANN@school.example")])
    assert name == address
    assert set(name) == {"exception", "errorcode", "message"}


def test_developers_see_it_in_the_message_and_where_it_was_without_its_number(moodle_with: _With) -> None:
    site = moodle_with(debug="developer")
    found = site.call("core_user_create_users", users=[site.user("ann"), site.user("Bob")])
    assert found["message"].startswith("Invalid parameter value detected (users => ")
    assert (
        'username => Invalid parameter value detected: Invalid external api parameter: the value is "Bob"'
        in (found["debuginfo"])
    )
    assert site.state()["users"] == []


@pytest.mark.parametrize(
    "given",
    [
        {"courseid": ""}, {"courseid": "007"}, {"courseid": "1.5"}, {"courseid": " 1"}, {},
        {"courseid": 1, "page": 2}, {"courseid": [1]}, {"courseid": 1, "options": "none"},
        {"courseid": 1, "options": [{"name": "onlyactive"}]},
    ],
)  # fmt: skip
def test_values_that_are_not_as_described(moodle: Client, given: dict[str, Any]) -> None:
    assert moodle.error("core_enrol_get_enrolled_users", **given) == "invalidparameter"


def test_get_and_post_are_one(moodle: Client) -> None:
    query = {"wstoken": "practice", "moodlewsrestformat": "json", "wsfunction": "core_user_get_users_by_field"}
    answer = moodle.http.get(
        f"{moodle.url}/webservice/rest/server.php", params={**query, "field": "username", "values[]": "admin"}
    )
    assert [each["id"] for each in answer.json()] == [2]
    mixed = moodle.http.post(f"{moodle.url}/webservice/rest/server.php", params=query, data={"wsfunction": _INFO})
    assert mixed.json()["userid"] == 3
    for setting in ("raw", "fileurl", "filter", "lang", "timezone"):
        assert moodle.send(_INFO, **{f"moodlewssetting{setting}": "1"}).json()["userid"] == 3
    assert moodle.send(_INFO, moodlewssettingcolour="1").json()["errorcode"] == "invalidparameter"


def test_keys_of_lists_do_not_matter(moodle: Client) -> None:
    given = {"field": "id", "values[9]": "3", "values[2]": "2"}
    assert [each["id"] for each in moodle.send("core_user_get_users_by_field", **given).json()] == [2, 3]


def test_without_json_everything_is_xml(moodle: Client) -> None:
    answer = moodle.send(_INFO, moodlewsrestformat=None)
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert '<KEY name="userid"><VALUE>3</VALUE>' in answer.text
    wrong = moodle.send(_INFO, moodlewsrestformat=None, wstoken="x")
    assert "<ERRORCODE>invalidtoken</ERRORCODE>" in wrong.text


def test_variables_above_the_limit_are_dropped_without_a_word(moodle_with: _With) -> None:
    site = moodle_with(max_input_vars=3 + 2 * 6 + 1)
    found = site.call("core_user_create_users", users=[site.user(name) for name in ("ann", "bob", "eve")])
    assert found["errorcode"] == "invalidparameter"
    site = moodle_with(max_input_vars=3 + 2 * 2)
    course = site.course(categoryid=1)
    ann, bob = 2, 3
    listed = [{"userid": user, "courseid": course} for user in (ann, bob, ann)]
    assert site.call("enrol_manual_unenrol_users", enrolments=listed) is None


def test_a_token_that_is_dropped_is_an_invalid_one_in_xml(moodle_with: _With) -> None:
    site = moodle_with(max_input_vars=4)
    late = "&".join([*(f"values[{n}]={n}" for n in range(9)), "wstoken=practice", "moodlewsrestformat=json"])
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = site.http.post(f"{site.url}/webservice/rest/server.php", content=late, headers=headers)
    assert "<ERRORCODE>invalidtoken</ERRORCODE>" in answer.text


def test_large_bodies(moodle_with: _With) -> None:
    site = moodle_with(post_max_size=500)
    assert "invalidtoken" in site.send(_INFO, {"x": "y" * 600}).text
    site = moodle_with(body_limit=500)
    assert site.send(_INFO, {"x": "y" * 600}).status_code == 413


def test_switched_off(moodle_with: _With) -> None:
    answer = moodle_with(enabled=False).send(_INFO)
    assert (answer.status_code, answer.text) == (403, "")


def test_messages_in_spanish_keep_their_codes(moodle_with: _With) -> None:
    found = moodle_with(lang="es").send(_INFO, wstoken="x").json()
    assert (found["errorcode"], found["message"]) == ("invalidtoken", "Ficha (token) no válida - ficha no encontrada")


def test_a_site_in_a_folder(moodle_with: _With) -> None:
    site = moodle_with(path="/moodle")
    query = {"wstoken": "practice", "wsfunction": _INFO, "moodlewsrestformat": "json"}
    answer = site.http.get(f"{site.url}/moodle/webservice/rest/server.php", params=query)
    assert answer.json()["siteurl"] == f"{site.url}/moodle"
    assert site.http.get(f"{site.url}/webservice/rest/server.php", params=query).status_code == 404


def test_unknown_release() -> None:
    with pytest.raises(ValueError, match="known: 4"):
        create_moodle(moodle="3.9")


def test_latency_counts_users_and_enrolments(moodle_with: _With) -> None:
    site = moodle_with(call_seconds=0.01, user_seconds=0.02, enrolment_seconds=0.03)
    users = site.users("ann", "bob")
    site.enrol(site.course(), *users)
    found = site.practice("requests")
    spans = {row[2]: (row[1] - row[0], row[4]) for row in found["calls"]}
    assert spans["core_user_create_users"][1] == spans["enrol_manual_enrol_users"][1] == 2
    assert spans["core_user_create_users"][0] >= 0.05
    assert spans["enrol_manual_enrol_users"][0] >= 0.07
    names = (f"c{number}" for number in itertools.count(2))

    def makes_a_course() -> float:
        site.course(next(names))
        *_, (begun, ended, *_) = site.practice("requests")["calls"]
        return float(ended - begun)

    within(0.05, makes_a_course, tries=20)
    assert 0 <= found["in_flight"]["share"] < 1
