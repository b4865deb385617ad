"""Accounts of the practice LMS: bulk answers, uniqueness, e-mail conflicts, leaving and coming back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.verification.lms_client import Client, plaintext

_USERS = "users/user"


def _codes(results: list[Any]) -> list[int]:
    return [result["response_code"] for result in results]


def _user(lms: Client, code: str) -> Any:
    found = lms.get(f"users?school_uids={code}")["user"]
    assert len(found) == 1
    return found[0]


def test_bulk_gives_each_item_its_own_result_in_order(lms: Client) -> None:
    bad = {**lms.user("u2"), "username": "with space"}
    results = lms.bulk("POST", "users", _USERS, [lms.user("u1"), bad, lms.user("u3"), "no object"])
    assert _codes(results) == [200, 400, 200, 400]
    assert [result.get("school_uid") for result in results] == ["u1", "u2", "u3", None]
    assert "username" in results[1]["message"]
    assert results[0]["location"].endswith(f"/users/{results[0]['id']}")
    assert [user["school_uid"] for user in lms.state()["users"]] == ["practice-admin", "u1", "u3"]


@pytest.mark.parametrize(("count", "status"), [(50, 207), (51, 400)])
def test_bulk_takes_at_most_50(lms: Client, count: int, status: int) -> None:
    first = lms.user("u0")
    items = [{**first, "school_uid": f"u{n}", "username": f"u{n}"} for n in range(count)]
    assert lms.call("POST", "users", {"users": {"user": items}}).status_code == status
    assert len(lms.state()["users"]) == (51 if status == 207 else 1)


def test_one_object_may_stand_for_a_list_of_one(lms: Client) -> None:
    answer = lms.call("POST", "users/", {"users": {"user": lms.user("solo")}})
    assert (answer.status_code, _codes(answer.json()["user"])) == (207, [200])


def test_wrong_bodies(lms: Client) -> None:
    for body in ({"users": {}}, {"users": {"people": []}}, [1], "text"):
        assert lms.call("POST", "users", body).status_code == 400
    assert lms.call("POST", "users").status_code == 400


def test_form_bodies_are_an_unsupported_type(lms: Client) -> None:
    answer = lms.http.post(f"{lms.url}/v1/users", data={"a": "b"}, headers={"Authorization": plaintext()})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"username": "two words"}, "username"), ({"username": "tür"}, "username"),
        ({"username": "", "primary_email": ""}, "username"), ({"role_id": "77"}, "do not exist"),
        ({"role_id": None}, "role_id"), ({"name_first": " "}, "name_first"),
        ({"name_last": None}, "name_last"),
        ({"school_uid": ""}, "school_uid"), ({"building_id": "5"}, "building"),
        ({"additional_buildings": "5"}, "building"), ({"password": "elevenchars"}, "12"),
        ({"primary_email": "nobody"}, "e-mail"), ({"parent_uids": "12345"}, "12345"),
    ],
)  # fmt: skip
def test_refused_accounts(lms: Client, change: dict[str, Any], word: str) -> None:
    results = lms.bulk("POST", "users", _USERS, [{**lms.user("u1"), **change}])
    assert _codes(results) == [400]
    assert word in results[0]["message"]
    assert lms.call("POST", "users", {**lms.user("u1"), **change}).status_code == 400
    assert len(lms.state()["users"]) == 1


@pytest.mark.parametrize("username", ["a", "Ana.Diaz-7_x~", "007"])
def test_usernames_that_are_fine(lms: Client, username: str) -> None:
    assert lms.made("users", lms.user("u1", username=username))["username"] == username


def test_unique_id_and_username_are_unique_in_the_organization(lms: Client) -> None:
    elm, oak = lms.building("elm"), lms.building("oak")
    lms.made("users", lms.user("u1", username="Ana", building_id=elm))
    results = lms.bulk("POST", "users", _USERS, [
        lms.user("u1", username="other", building_id=oak), lms.user("u2", username="aNA", building_id=oak),
    ])  # fmt: skip
    assert _codes(results) == [400, 400]
    assert all("in use" in result["message"] for result in results)


def test_update_existing_matches_by_unique_id_and_keeps_the_rest(lms: Client) -> None:
    lms.made("users", lms.user("u1", grad_year="2030", primary_email="a@x.example"))
    changed = {"school_uid": "u1", "name_first": "Anna"}
    first = lms.bulk("POST", "users?update_existing=1", _USERS, [changed])
    second = lms.bulk("POST", "users?update_existing=1", _USERS, [changed])
    assert (first, _codes(first)) == (second, [200])
    user = _user(lms, "u1")
    assert (user["name_first"], user["grad_year"], user["username"]) == ("Anna", "2030", "u1")
    assert len(lms.state()["users"]) == 2


def test_bulk_put_needs_the_id(lms: Client) -> None:
    made = lms.made("users", lms.user("u1"))
    results = lms.bulk("PUT", "users", _USERS, [
        {"school_uid": "u1", "name_first": "No"}, {"id": made["uid"], "name_first": "Yes"}, {"id": "99"},
    ])  # fmt: skip
    assert _codes(results) == [400, 200, 404]
    assert _user(lms, "u1")["name_first"] == "Yes"


def test_passwords_are_write_only_and_blank_changes_nothing(lms: Client) -> None:
    made = lms.made("users", lms.user("u1", password="correct horse"))
    assert made["password"] == ""
    assert lms.call("PUT", f"users/{made['id']}", {"password": ""}).status_code == 204
    check = lms.practice("check-password", {"school_uid": "u1", "password": "correct horse"})
    assert check == {"matches": True, "times_set": 1}
    assert "correct horse" not in str(lms.get("users"))
    assert "correct horse" not in lms.call("GET", "csvexport/users?fields=uid,name,mail").text
    assert lms.call("GET", "csvexport/users?fields=password").status_code == 400


def test_numbers_come_as_text_and_as_numbers(lms: Client) -> None:
    user = lms.made("users", lms.user("u1"))
    assert (user["uid"], type(user["id"])) == (str(user["id"]), int)
    assert lms.get("users")["total"] == "2"
    sent = lms.user("u2", role_id=int(lms.role("Student")), synced="1", building_id=int(lms.building()))
    assert lms.made("users", sent)["synced"] == 1


@pytest.mark.parametrize(
    ("query", "email", "username", "expected"),
    [
        ("", "taken@x.example", "u2", None),
        ("", "Taken@X.example", "u2", None),
        ("", "far@else.example", "u2", None),
        ("ignore_email_conflicts=1", "taken@x.example", "u2", None),
        ("ignore_email_conflicts=1", "far@else.example", "u2", ("u2", "")),
        ("ignore_email_conflicts=1", "far@else.example", "", ("u2", "")),
        ("email_conflict_resolution=1", "taken@x.example", "", ("taken", "")),
        ("email_conflict_resolution=1", "taken@x.example", "mine", ("mine", "")),
        ("email_conflict_resolution=2", "taken@x.example", "mine", ("mine", "")),
        ("email_conflict_resolution=2", "taken@ours.example", "mine", ("mine", "taken@ours.example")),
    ],
)
def test_email_conflicts(
    lms_with: Callable[..., Client], query: str, email: str, username: str, expected: tuple[str, str] | None
) -> None:
    lms = lms_with(
        foreign_emails=frozenset({"far@else.example"}), verified_domains=frozenset({"ours.example"})
    )  # fmt: skip
    taken = email.lower() if "taken" in email.lower() else "taken@x.example"
    lms.made("users", lms.user("u1", primary_email=taken))
    results = lms.bulk("POST", f"users?{query}", _USERS, [lms.user("u2", username=username, primary_email=email)])
    if expected is None:
        assert _codes(results) == [400]
        assert "e-mail" in results[0]["message"]
    else:
        user = _user(lms, "u2")
        assert (_codes(results), user["username"], user["primary_email"]) == ([200], *expected)


def test_additional_buildings_leave_the_main_one_out(lms: Client) -> None:
    elm, oak = lms.building("elm"), lms.building("oak")
    lms.made("users", lms.user("u1", building_id=elm, additional_buildings=f"{oak},{elm}"))
    assert _user(lms, "u1")["additional_buildings"] == oak
    assert [user["school_uid"] for user in lms.get(f"users?building_id={oak}")["user"]] == ["u1"]


def test_deleting_keeps_the_account_inactive_and_may_lose_its_history(lms: Client) -> None:
    made = lms.class_of("u1", "u2")
    uids = [_user(lms, code)["uid"] for code in ("u1", "u2")]
    kept = lms.call("DELETE", f"users/{uids[0]}?option_keep_enrollments=1&email_notification=0")
    lost = lms.call("DELETE", f"users?uids={uids[1]},77")
    assert (kept.status_code, lost.status_code, _codes(lost.json()["user"])) == (204, 207, [200, 404])
    assert lms.call("GET", f"users/{uids[0]}").status_code == 404
    assert [user["school_uid"] for user in lms.get("users/inactive")["user"]] == ["u1", "u2"]
    users = {user["school_uid"]: user for user in lms.state()["users"]}
    assert [(users[code]["active"], users[code]["history_lost"]) for code in ("u1", "u2")] == [
        (False, False), (False, True)
    ]  # fmt: skip
    assert lms.practice("mails") == {"total": 1, "kinds": {"deleted": 1}}
    body = {"user": [{"uid": uid, "option_reenroll": "1"} for uid in (*uids, "5")]}
    revived = lms.call("PUT", "users/reactivate", body)
    assert _codes(revived.json()["user"]) == [200, 200, 404]
    members = lms.get(f"sections/{made['section']}/enrollments")["enrollment"]
    assert [member["school_uid"] for member in members] == ["u1"]


def test_reviving_brings_back_what_was_archived_with_the_account_only(lms: Client) -> None:
    made = lms.class_of("u1", "u2")
    uid = _user(lms, "u1")["uid"]
    own = next(e["id"] for e in lms.get(f"sections/{made['section']}/enrollments")["enrollment"] if e["uid"] == uid)
    lms.call("DELETE", f"sections/{made['section']}/enrollments/{own}")
    for reenroll in ("1", "0"):
        lms.call("DELETE", f"users/{uid}?option_keep_enrollments=1&email_notification=0")
        lms.call("PUT", "users/reactivate", {"user": [{"uid": uid, "option_reenroll": reenroll}]})
        assert [row[1] for row in lms.state()["archived"]] == ["u1"]
    assert _codes(lms.call("DELETE", f"users?uids={uid},{uid}").json()["user"]) == [200, 404]


@pytest.mark.parametrize(("revive", "code"), [(False, 400), (True, 200)])
def test_update_existing_of_an_inactive_account(lms_with: Callable[..., Client], revive: bool, code: int) -> None:
    lms = lms_with(revive_on_update=revive)
    uid = lms.made("users", lms.user("u1"))["uid"]
    lms.call("DELETE", f"users/{uid}?option_keep_enrollments=1&email_notification=0")
    assert _codes(lms.bulk("POST", "users?update_existing=1", _USERS, [lms.user("u1")])) == [code]
    assert _codes(lms.bulk("POST", "users", _USERS, [lms.user("u1")])) == [400]


def test_no_mail_unless_asked_for(lms: Client) -> None:
    lms.made("users", lms.user("u1", primary_email="a@x.example"))
    assert lms.practice("mails")["total"] == 0
    lms.made("users", lms.user("u2", primary_email="b@x.example", email_login_info=1))
    assert lms.practice("mails")["kinds"] == {"login": 1}


def test_parents_by_unique_ids(lms: Client) -> None:
    for code, role in (("kid", "Student"), ("mum", "Parent"), ("dad", "Parent")):
        lms.made("users", lms.user(code, role))
    path, names = "users/import/associations/parents", "associations/association"
    results = lms.bulk("POST", path, names, [
        {"student_school_uid": "kid", "parent_school_uid": "mum"},
        {"student_school_uid": "kid", "parent_school_uid": "dad"},
        {"student_school_uid": "kid", "parent_school_uid": "nobody"},
        {"student_school_uid": "kid", "parent_school_uid": "dad", "delete": "1"},
    ])  # fmt: skip
    assert _codes(results) == [200, 200, 404, 200]
    assert results[0]["student_uid"] == _user(lms, "kid")["id"]
    assert lms.state()["links"] == [["parent", "kid", "mum"]]
    assert _user(lms, "mum")["child_uids"] == _user(lms, "kid")["uid"]


def test_external_ids_answer_with_a_redirect(lms: Client) -> None:
    made = lms.made("users", lms.user("a/b c", username="abc"))
    answer = lms.call("GET", "users/ext/a%2Fb%20c")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{lms.url}/v1/users/{made['uid']}")
    assert lms.call("GET", "users/ext/none").status_code == 404


def test_unknown_role_filter(lms: Client) -> None:
    answer = lms.call("GET", "users?role_ids=1,2")
    assert (answer.status_code, "do not exist" in answer.text) == (400, True)
    too_many = ",".join(f"u{n}" for n in range(51))
    assert lms.call("GET", f"users?school_uids={too_many}").status_code == 400


@pytest.mark.parametrize(("mode", "last"), [("omit", {}), ("null", {"next": None}), ("empty", {"next": ""})])
def test_paging(lms_with: Callable[..., Client], mode: str, last: dict[str, Any]) -> None:
    lms = lms_with(last_next=mode, max_limit=10)
    for start in range(0, 24, 12):
        items = [lms.user(f"u{n:02}") for n in range(start, start + 12)]
        lms.bulk("POST", "users", _USERS, items)
    seen, path = list[str](), "users?limit=500"
    while True:
        data = lms.get(path)
        assert (len(data["user"]) <= 10, data["total"]) == (True, "25")
        seen += [user["school_uid"] for user in data["user"]]
        if not data["links"].get("next"):
            break
        assert data["links"]["next"].startswith(f"{lms.url}/v1/")
        path = data["links"]["next"].removeprefix(f"{lms.url}/v1/")
    assert {key: value for key, value in data["links"].items() if key == "next"} == last
    assert seen == ["practice-admin", *(f"u{n:02}" for n in range(24))]


def test_default_page_and_configured_address(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(base_url="https://lms.example/v1")
    lms.bulk("POST", "users", _USERS, [lms.user(f"u{n}") for n in range(25)])
    data = lms.get("users", Host="api.schoology.com")
    assert len(data["user"]) == 20
    assert data["links"]["next"] == "https://lms.example/v1/users?start=20&limit=20"
