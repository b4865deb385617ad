"""The faults of the practice Moodle by name: what comes, and what was done all the same."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

import rollbook.practice.moodle
from rollbook.practice.faults import UnknownFault
from rollbook.practice.moodle import create_moodle, fault_names
from tests.verification.moodle_client import Client

_INFO = "core_webservice_get_site_info"
_CREATE = "core_user_create_users"


def _made(moodle: Client) -> list[str]:
    return [each["username"] for each in moodle.state()["users"]]


@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        ("throttle:retry_after=7", 429, {"retry-after": "7"}), ("server_error", 500, {}), ("bad_gateway", 502, {}),
        ("unavailable", 503, {}), ("too_large", 413, {}), ("not_found", 404, {}), ("forbidden", 403, {}),
        ("maintenance", 503, {"retry-after": "300"}), ("redirect", 303, {}), ("html", 200, {}), ("empty_body", 200, {}),
    ],
)  # fmt: skip
def test_pages_instead_of_answers(moodle: Client, fault: str, status: int, headers: dict[str, str]) -> None:
    moodle.faults(f"{fault}{',' if ':' in fault else ':'}times=1")
    answer = moodle.send(_CREATE, {"users": [moodle.user("ann")]})
    assert answer.status_code == status
    assert headers.items() <= dict(answer.headers).items()
    assert not answer.headers["content-type"].startswith("application/json")
    assert _made(moodle) == []
    assert moodle.call(_INFO)["userid"] == 3


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("site_maintenance", "sitemaintenance"), ("upgrading", "upgraderunning"), ("invalid_token", "invalidtoken"),
        ("expire_token", "accessexception"), ("no_access", "accessexception"), ("no_permission", "nopermissions"),
        ("read_error", "dmlreadexception"), ("write_error", "dmlwriteexception"),
    ],
)  # fmt: skip
def test_errors_before_anything_is_done(moodle: Client, fault: str, code: str) -> None:
    moodle.faults(f"{fault}:times=1")
    assert moodle.error(_CREATE, users=[moodle.user("ann")]) == code
    assert _made(moodle) == []


def test_answers_that_are_lost_after_the_work(moodle: Client) -> None:
    for name, fault in (("a", "drop_answer"), ("b", "truncate"), ("c", "gateway_timeout"), ("d", "invalid_response")):
        moodle.faults(f"{fault}:times=1,method=WRITE")
        try:
            answer = moodle.send(_CREATE, {"users": [moodle.user(name)]})
            assert answer.status_code == 504 or answer.json()["errorcode"] == "invalidresponse"
        except httpx2.TransportError:
            assert name in "ab"
    assert _made(moodle) == ["a", "b", "c", "d"]
    moodle.faults("cut:times=1")
    with pytest.raises(httpx2.TransportError):
        moodle.send(_CREATE, {"users": [moodle.user("e")]})
    assert len(_made(moodle)) == 4


def test_notices_before_the_json(moodle: Client) -> None:
    moodle.faults("notice:times=1")
    answer = moodle.send(_INFO)
    assert answer.text.startswith("<br />\n<b>Notice</b>")
    moodle.faults("byte_mark:times=1")
    answer = moodle.send(_INFO)
    assert answer.content.startswith(b"\xef\xbb\xbf\n{")
    assert answer.text.rstrip().endswith("on line 7")
    moodle.faults("not_json:times=1")
    answer = moodle.send(_INFO)
    assert (answer.headers["content-type"], answer.text) == ("application/json", "Service is being updated")


def test_an_end_in_the_middle(moodle: Client) -> None:
    moodle.faults("fatal:times=1")
    answer = moodle.send(_CREATE, {"users": [moodle.user(name) for name in ("ann", "bob")]})
    assert (answer.status_code, answer.text, _made(moodle)) == (500, "", [])
    ann, bob = moodle.users("ann", "bob")
    moodle.faults("fatal:times=1")
    changes = [{"id": user, "firstname": "New"} for user in (ann, bob)]
    assert moodle.send("core_user_update_users", {"users": changes}).status_code == 500
    assert [each["firstname"] for each in moodle.state()["users"]] == ["New", "Ana"]
    moodle.faults("fatal:times=1")
    assert moodle.send(_INFO).status_code == 500


def test_refused_elements(moodle: Client) -> None:
    moodle.faults("refuse_items:each=2,code=odd,message=No,times=2")
    users = [moodle.user(name) for name in ("ann", "bob", "eve")]
    assert moodle.error(_CREATE, users=users) == "odd"
    assert moodle.error(_CREATE, users=users) == "odd"
    ids = moodle.users("ann", "bob", "eve")
    moodle.faults("refuse_items:each=2,times=1")
    found = moodle.call("core_user_update_users", users=[{"id": user, "firstname": "New"} for user in ids])
    assert [each["itemid"] for each in found["warnings"]] == [ids[1]]
    assert [each["firstname"] for each in moodle.state()["users"]] == ["New", "Ana", "New"]


def test_lists_that_lie(moodle: Client) -> None:
    users = moodle.users(*"abcdef")
    course = moodle.course()
    moodle.enrol(course, *users)

    def pages() -> list[int]:
        found = []
        for start in (0, 3):
            options = [{"name": "limitfrom", "value": start}, {"name": "limitnumber", "value": 3}]
            listed = moodle.call("core_enrol_get_enrolled_users", courseid=course, options=options)
            found += [users.index(each["id"]) for each in listed]
        return found

    for fault, seen in (
        ("half_page:times=1", [0, 3, 4, 5]), ("repeat_page", [0, 1, 2, 0, 1, 2]), ("drift:rows=1", [0, 1, 2, 4, 5]),
        ("empty:after=1", [0, 1, 2]),
    ):  # fmt: skip
        moodle.faults(fault)
        assert pages() == seen, fault
    moodle.faults("missing_key")
    assert list(moodle.call("core_course_get_courses")) == ["items"]
    assert "users" not in moodle.call("core_user_get_users", criteria=[])


def test_faults_strike_only_where_they_are_told_to(moodle: Client) -> None:
    moodle.faults("server_error:path=core_user,method=WRITE,after=1,every=2,times=1")
    calls: list[tuple[str, dict[str, Any]]] = [(_INFO, {}), ("core_user_get_users", {"criteria": []})]
    calls += [(_CREATE, {"users": []})] * 4
    assert [moodle.send(function, given).status_code for function, given in calls] == [200, 200, 200, 200, 500, 200]


def test_slow_answer_and_counters(moodle: Client) -> None:
    moodle.practice("reset-counters", {})
    moodle.faults("slow:seconds=0.2,times=1")
    started = time.monotonic()
    moodle.call(_INFO)
    assert time.monotonic() - started >= 0.2
    moodle.send("core_user_fly")
    assert moodle.practice("requests")["attempts"] == {f"POST {_INFO}": 1, "POST unknown": 1}


@pytest.mark.parametrize("text", ["gremlins", "slow:color=red", "throttle:every=0"])
def test_unknown_faults(text: str) -> None:
    with pytest.raises(UnknownFault):
        create_moodle(faults=[text])


def test_unknown_seed() -> None:
    with pytest.raises(ValueError, match="people-by-hand"):
        create_moodle(seed="people-by-foot")


def test_a_file_is_continued_where_it_was_left(moodle_with: Any, tmp_path: Path) -> None:
    file = tmp_path / "moodle.sqlite"
    moodle = moodle_with(database=file, seed="people-by-hand")
    moodle.users("ann")
    before = moodle.state()
    moodle.app.state.moodle.store.close()
    assert moodle_with(database=file).state() == before


def test_facts_list_every_fault_with_its_parameters(moodle: Client) -> None:
    text = Path(rollbook.practice.moodle.__file__).with_name("FACTS.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", text.partition("## Faults by name")[2], re.MULTILINE)
    known = moodle.practice("faults")["known"]
    assert sorted(listed) == sorted(known) == sorted(fault_names())
    for name, parameters in known.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", text, re.MULTILINE)
        assert all(f"`{parameter}={value}`" in row for parameter, value in parameters.items()), name
