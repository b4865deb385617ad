"""People in the practice Moodle: made whole, changed one by one, found by what may be seen of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.verification.moodle_client import Client

_CREATE, _UPDATE = "core_user_create_users", "core_user_update_users"
_With = Callable[..., Client]


def _names(moodle: Client) -> list[str]:
    return [each["username"] for each in moodle.state()["users"]]


def test_all_are_made_or_none(moodle: Client) -> None:
    assert len(moodle.users("ann", "bob")) == 2
    assert moodle.error(_CREATE, users=[moodle.user("eve"), moodle.user("ann")]) == "invalidparameter"
    assert moodle.error(_CREATE, users=[moodle.user("eve"), moodle.user("eve")]) == "invalidparameter"
    assert sorted(_names(moodle)) == ["ann", "bob"]


@pytest.mark.parametrize(
    "change",
    [
        {"username": "Ann"}, {"username": "an n"}, {"username": "änn"}, {"username": " "}, {"firstname": " "},
        {"email": "no address"}, {"email": ""}, {"auth": "carrier-pigeon"}, {"lang": "tlh"}, {"password": ""},
        {"firstname": "<b>Ann</b>"}, {"lastname": "Bo<"}, {"middlename": "<3"}, {"suspended": 1},
        {"email": " ann@school.example"}, {"email": "ann@school"}, {"email": "ann@-school.example"},
        {"email": f"{'a' * 65}@school.example"},
    ],
)  # fmt: skip
def test_refused_accounts(moodle: Client, change: dict[str, Any]) -> None:
    assert moodle.error(_CREATE, users=[{**moodle.user("ann"), **change}]) == "invalidparameter"


def test_settings_of_names_addresses_and_passwords(moodle_with: _With) -> None:
    site = moodle_with(extended_username_chars=True, allow_same_email=True, password_policy=False)
    weak = {"password": "x", "email": "same@school.example"}
    made = site.call(_CREATE, users=[site.user("änn maria", **weak), site.user("bob", **weak)])
    assert [each["username"] for each in made] == ["änn maria", "bob"]


def test_the_code_of_a_weak_password_is_its_text(moodle: Client) -> None:
    code = moodle.error(_CREATE, users=[moodle.user("ann", password="short")])
    assert code.startswith("<div>The password must have at least 8 characters.</div>")
    assert code.count("<div>") == 4


def test_passwords(moodle: Client) -> None:
    plain = {name: value for name, value in moodle.user("x").items() if name not in {"password", "username", "email"}}
    preference = [{"type": "auth_forcepasswordchange", "value": "1"}]
    moodle.call(_CREATE, users=[
        {**plain, "username": "mailed", "email": "m@school.example", "createpassword": 1},
        {**plain, "username": "single", "email": "s@school.example", "auth": "oauth2"},
        moodle.user("forced", preferences=preference),
    ])  # fmt: skip
    state = moodle.state()
    assert state["mails"] == {"newpassword": 1}
    assert {each["username"]: (each["has_password"], each["force_change"]) for each in state["users"]} == {
        "mailed": (False, True), "single": (False, False), "forced": (True, True),
    }  # fmt: skip
    asked = {"username": "forced", "password": "Long-enough-1"}
    assert moodle.practice("check-password", asked) == {"matches": True, "times_set": 1, "force_change": True}


def test_updates_of_odd_names_fail_whole_and_of_odd_addresses_alone(moodle: Client) -> None:
    ann, bob = moodle.users("ann", "bob")
    odd = [{"id": ann, "firstname": "Ann<3"}, {"id": bob, "firstname": "Rob"}]
    assert moodle.error(_UPDATE, users=odd) == "invalidparameter"
    assert moodle.error(_UPDATE, users=[{"id": ann, "email": "a@b.example "}, odd[1]]) == "invalidparameter"
    found = moodle.call(_UPDATE, users=[{"id": ann, "email": "ann@school"}, {"id": bob, "firstname": "R < b"}])
    assert [each["warningcode"] for each in found["warnings"]] == ["useremailinvalid"]
    assert "R < b" in {each["firstname"] for each in moodle.state()["users"]}


def test_updates_fail_one_by_one(moodle: Client) -> None:
    ann, bob = moodle.users("ann", "bob")
    found = moodle.call(_UPDATE, users=[
        {"id": ann, "username": "bob"}, {"id": ann, "email": "BOB@school.example"}, {"id": 7},
        {"id": 1, "firstname": "G"}, {"id": 2, "firstname": "A"}, {"id": bob, "firstname": "Rob", "suspended": 1},
    ])  # fmt: skip
    assert [(each["itemid"], each["warningcode"]) for each in found["warnings"]] == [
        (ann, "dmlwriteexception"), (ann, "useremailduplicate"), (7, "invaliduserid"), (1, "usernotupdatedguest"),
        (2, "usernotupdatedadmin"),
    ]  # fmt: skip
    assert found["warnings"][3]["message"] == "error/usernotupdatedguest"
    (row,) = [each for each in moodle.state()["users"] if each["username"] == "bob"]
    assert (row["firstname"], row["suspended"]) == ("Rob", True)


def test_a_wrong_type_refuses_all_updates(moodle: Client) -> None:
    ann, bob = moodle.users("ann", "bob")
    changes = [{"id": ann, "firstname": "New"}, {"id": bob, "username": "No Name"}]
    assert moodle.error(_UPDATE, users=changes) == "invalidparameter"
    assert {each["firstname"] for each in moodle.state()["users"]} == {"Ana"}


def test_values_too_long_for_their_column(moodle: Client) -> None:
    (ann,) = moodle.users("ann")
    assert moodle.error(_CREATE, users=[moodle.user("bob", lastname="x" * 101)]) == "dmlwriteexception"
    (warning,) = moodle.call(_UPDATE, users=[{"id": ann, "idnumber": "x" * 256}])["warnings"]
    assert warning["warningcode"] == "dmlwriteexception"


def test_id_numbers_are_not_unique(moodle: Client) -> None:
    moodle.call(_CREATE, users=[moodle.user("ann", idnumber="7"), moodle.user("bob", idnumber="7")])
    found = moodle.typed.core_user_get_users_by_field(field="idnumber", values=["7", "8"])
    assert [each["username"] for each in found] == ["ann", "bob"]


def test_an_id_number_of_zero_is_never_shown(moodle: Client) -> None:
    moodle.call(_CREATE, users=[moodle.user("ann", idnumber="0")])
    assert moodle.call("core_user_get_users_by_field", field="idnumber", values=["0"]) == []
    (ann,) = moodle.call("core_user_get_users_by_field", field="username", values=["ann"])
    assert "idnumber" not in ann


def test_deleted_people(moodle: Client) -> None:
    ann, bob = moodle.users("ann", "bob")
    assert moodle.error("core_user_delete_users", userids=[ann, 2]) == "useradminodelete"
    assert moodle.call("core_user_delete_users", userids=[ann]) is None
    assert _names(moodle) == ["bob"]
    assert moodle.error("core_user_get_users_by_field", field="id", values=[ann, bob]) == "invalidrecord"
    assert moodle.call(_UPDATE, users=[{"id": ann}])["warnings"][0]["warningcode"] == "usernotupdateddeleted"
    assert moodle.users("ann")[0] != ann
    assert moodle.state()["deletions"] == [["user", ann]]


def test_searching(moodle: Client) -> None:
    moodle.users("ann", "bob")
    criteria = [{"key": "email", "value": "%@SCHOOL.example"}, {"key": "shoe", "value": "9"}]
    found = moodle.call("core_user_get_users", criteria=criteria)
    assert [each["username"] for each in found["users"]] == ["ann", "bob"]
    assert found["warnings"][0]["warningcode"] == "invalidfieldparameter"
    twice = [{"key": "email", "value": "a"}, {"key": "email", "value": "b"}]
    assert moodle.error("core_user_get_users", criteria=twice) == "keyalreadyset"
    assert moodle.error("core_user_get_users_by_field", field="shoe", values=["9"]) == "codingerror"
    assert moodle.error("core_user_get_users_by_field", field="username", values=["Ann"]) == "invalidparameter"


@pytest.mark.parametrize(
    ("capability", "field", "found"),
    [
        ("moodle/user:viewdetails", "username", 0), ("moodle/user:viewalldetails", "username", 0),
        ("moodle/user:viewalldetails", "idnumber", 0), ("moodle/site:viewuseridentity", "email", 0),
        ("moodle/site:viewuseridentity", "username", 1),
    ],
)  # fmt: skip
def test_what_may_not_be_seen_is_not_found(moodle_with: _With, capability: str, field: str, found: int) -> None:
    site = moodle_with(denied=frozenset({capability}))
    site.users("ann")
    value = site.user("ann")[field]
    assert len(site.call("core_user_get_users_by_field", field=field, values=[value])) == found


@pytest.mark.parametrize(("dbtype", "found"), [("pgsql", 0), ("mysqli", 1)])
def test_how_databases_compare(moodle_with: _With, dbtype: str, found: int) -> None:
    site = moodle_with(dbtype=dbtype)
    site.call(_CREATE, users=[site.user("ann", idnumber="Zoë-1")])
    assert len(site.call("core_user_get_users_by_field", field="idnumber", values=["zoe-1"])) == found


def test_addresses_are_seen_by_the_setting_of_the_site_or_of_the_person(moodle_with: _With) -> None:
    site = moodle_with(identity_fields=frozenset())
    site.call(_CREATE, users=[site.user("ann"), site.user("bob", maildisplay=1)])
    found = site.call("core_user_get_users", criteria=[{"key": "lastname", "value": "%"}])["users"]
    assert [each["username"] for each in found if "email" in each] == ["bob"]


@pytest.mark.parametrize(("column", "value"), [("auth", "carrier"), ("username", "An N"), ("lastname", "B<i>")])
def test_one_odd_account_spoils_the_whole_answer(moodle: Client, column: str, value: str) -> None:
    ann, bob = moodle.users("ann", "bob")
    moodle.app.state.moodle.store.run(f"UPDATE users SET {column} = ? WHERE id = ?", value, ann)
    everybody = {"criteria": [{"key": "lastname", "value": "%"}]}
    assert moodle.error("core_user_get_users", **everybody) == "invalidresponse"
    assert moodle.error("core_user_get_users_by_field", field="id", values=[ann, bob]) == "invalidresponse"
    assert len(moodle.call("core_user_get_users_by_field", field="id", values=[bob])) == 1


def test_a_weak_password_spoils_the_answer_to_updates_which_were_done(moodle: Client) -> None:
    ann, bob = moodle.users("ann", "bob")
    changes = [{"id": ann, "password": "weak"}, {"id": bob, "firstname": "Rob"}]
    assert moodle.error(_UPDATE, users=changes) == "invalidresponse"
    assert {each["username"]: each["firstname"] for each in moodle.state()["users"]}["bob"] == "Rob"
