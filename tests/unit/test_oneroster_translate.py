"""OneRoster records as rows: every shape real systems send, and any JSON at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.connectors.oneroster_rest.translate import date, flag, items, rows, text
from rollbook.roster.oneroster import COLLECTIONS


def translated(
    collection: str, *records: Any, nested: bool = False, encode: Any = json.dumps
) -> list[tuple[str, dict[str, str | None]]]:
    body = encode({collection: list(records)})
    data = body if isinstance(body, bytes) else body.encode()
    return [(name, dict(row)) for name, row in rows(collection, data, nested_roles=nested)]


def only(collection: str, record: Any, **more: Any) -> dict[str, str | None]:
    [(name, row)] = translated(collection, record, **more)
    assert name == collection
    assert set(row) == set(COLLECTIONS[collection].columns)
    return row


def test_enrollment_with_references() -> None:
    row = only(
        "enrollments",
        {
            "sourcedId": "e1", "status": "active", "dateLastModified": "2026-01-02T03:04:05.678Z", "role": "student",
            "primary": "false", "beginDate": "2026-08-15", "endDate": None,
            "user": {"href": "~/ims/users/u1", "sourcedId": "u1", "type": "user"},
            "class": {"sourcedId": "c1"}, "school": {"sourcedId": "s1"}, "metadata": {"x": 1},
        },
    )  # fmt: skip
    assert row == {
        "sourcedId": "e1", "status": "active", "dateLastModified": "2026-01-02T03:04:05.678Z", "role": "student",
        "primary": "false", "beginDate": "2026-08-15", "endDate": None, "userSourcedId": "u1",
        "classSourcedId": "c1", "schoolSourcedId": "s1",
    }  # fmt: skip


def test_user_of_1_1_carries_role_and_orgs() -> None:
    row = only(
        "users",
        {"sourcedId": "u1", "role": "Teacher", "orgs": [{"sourcedId": "s1"}, {"sourcedId": "s2"}], "enabledUser": True,
         "grades": ["09", " 10 "], "agents": [], "userIds": [{"type": "LDAP", "identifier": "12"}]},
    )  # fmt: skip
    assert (row["role"], row["orgSourcedIds"], row["enabledUser"]) == ("Teacher", "s1,s2", "true")
    assert (row["grades"], row["agentSourcedIds"], row["userIds"]) == ("09,10", None, "{LDAP:12}")


def test_roles_of_1_2_become_rows() -> None:
    user = {
        "sourcedId": "u1", "status": "tobedeleted", "preferredFirstName": "Zo", "primaryOrg": {"sourcedId": "s2"},
        "roles": [
            {"roleType": "primary", "role": "student", "org": {"sourcedId": "s1"}, "beginDate": "2026-08-01"},
            {"roleType": "Secondary", "role": "aide", "org": {"sourcedId": "s2"}, "endDate": "2027-06-30T00:00:00Z"},
        ],
    }  # fmt: skip
    found = translated("users", user, nested=True)
    assert [name for name, _ in found] == ["users", "roles", "roles"]
    row, first, second = (row for _, row in found)
    assert (row["role"], row["orgSourcedIds"]) == (None, None)
    assert (row["preferredGivenName"], row["primaryOrgSourcedId"]) == ("Zo", "s2")
    assert (first["userSourcedId"], first["role"], first["orgSourcedId"]) == ("u1", "student", "s1")
    assert (first["status"], first["beginDate"], first["endDate"]) == ("tobedeleted", "2026-08-01", None)
    assert (second["roleType"], second["endDate"]) == ("Secondary", "2027-06-30")
    assert first["sourcedId"] != second["sourcedId"]


def test_flat_role_on_a_1_2_path() -> None:
    user = {"sourcedId": "u1", "role": "student", "orgs": [{"sourcedId": "s1"}, {"sourcedId": "s2"}]}
    found = translated("users", user, nested=True)
    assert [(row["role"], row["orgSourcedId"]) for name, row in found if name == "roles"] == [
        ("student", "s1"),
        ("student", "s2"),
    ]
    assert found[0][1]["role"] is None


def test_nested_roles_on_a_1_1_path() -> None:
    roles = [
        {"roleType": "secondary", "role": "aide", "org": {"sourcedId": "s2"}},
        {"roleType": "primary", "role": "teacher", "org": {"sourcedId": "s1"}},
        {"roleType": "primary", "role": "teacher", "org": {"sourcedId": "s3"}},
    ]
    row = only("users", {"sourcedId": "u1", "roles": roles})
    assert (row["role"], row["orgSourcedIds"]) == ("teacher", "s1,s3")


@pytest.mark.parametrize(
    ("record", "column", "value"),
    [
        ({"grades": "09, 10"}, "grades", "09,10"),
        ({"grades": 9}, "grades", "9"),
        ({"grades": None}, "grades", None),
        ({"grades": [None, "", " KG "]}, "grades", "KG"),
        ({"periods": "1,3"}, "periods", "1,3"),
        ({"periods": ["1", "3"]}, "periods", "1,3"),
        ({"terms": {"sourcedId": "t1"}}, "termSourcedIds", "t1"),
        ({"terms": ["t1", "t2"]}, "termSourcedIds", "t1,t2"),
        ({"terms": [{"sourcedId": "t1"}, {"sourcedId": " t2 "}]}, "termSourcedIds", "t1,t2"),
        ({"termSourcedIds": "t1,t2"}, "termSourcedIds", "t1,t2"),
        ({"course": "c1"}, "courseSourcedId", "c1"),
        ({"course": None, "courseSourcedId": "c1"}, "courseSourcedId", "c1"),
        ({"school": {"sourcedId": 17}}, "schoolSourcedId", "17"),
        ({"title": 7.0}, "title", "7"),
        ({"title": ""}, "title", None),
        ({"subjects": ["Art, Music", "Maths"]}, "subjects", "Art; Music,Maths"),
        ({"sourcedId": 42}, "sourcedId", "42"),
        ({"status": "ToBeDeleted"}, "status", "ToBeDeleted"),
    ],
)
def test_deviations_of_classes(record: dict[str, Any], column: str, value: str | None) -> None:
    assert only("classes", record)[column] == value


@pytest.mark.parametrize("value", [True, "TRUE", "true", " True ", 1, "1", "yes", "Y"])
def test_true_in_any_form(value: Any) -> None:
    assert flag(value) == "true"


@pytest.mark.parametrize("value", [False, "FALSE", "false", 0, "0", "no", "N"])
def test_false_in_any_form(value: Any) -> None:
    assert flag(value) == "false"


def test_what_is_no_boolean_or_date_stays_as_it_is() -> None:
    assert (flag("perhaps"), flag(None), date("1/05/2023"), date(None)) == ("perhaps", None, "1/05/2023", None)


@pytest.mark.parametrize(
    "value", ["2026-08-15", "2026-08-15T00:00:00.000Z", " 2026-08-15 12:00", "2026-08-15T23:00:00-05:00"]
)
def test_a_date_time_is_the_day_it_names(value: str) -> None:
    assert date(value) == "2026-08-15"


def test_records_that_are_no_objects_are_empty_rows() -> None:
    found = translated("orgs", None, "x", 5, [1], {"sourcedId": "o1"})
    assert [row["sourcedId"] for _, row in found] == [None, None, None, None, "o1"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"[]",
        b"null",
        b'{"users": 5}',
        b'{"data": []}',
        b'{"users": [{"sourcedId": "a"}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
def test_what_is_no_page_has_no_rows(body: bytes) -> None:
    assert list(rows("users", body, nested_roles=True)) == []


def test_byte_order_marks_and_lone_surrogates_are_read() -> None:
    marked = b'\xef\xbb\xbf{"orgs": [{"sourcedId": "o1", "name": "A\\ud800B"}]}'
    [(_, row)] = rows("orgs", marked, nested_roles=False)
    assert row["sourcedId"] == "o1"


def test_passwords_and_demographics_do_not_pass() -> None:
    row = only("users", {"sourcedId": "u1", "password": "hush", "birthDate": "2010-01-01", "phone": "5"})
    assert not {"hush", "2010-01-01", "5"} & set(row.values())


KEYS = ["sourcedId", "role", "roleType", "org", "type", "identifier", "x"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=12,
)
NAMES = sorted({name for one in COLLECTIONS.values() for name in one.columns} | {
    "roles", "orgs", "org", "school", "class", "user", "terms", "parent", "course", "agents", "primaryOrg",
})  # fmt: skip


@given(
    collection=st.sampled_from(["orgs", "academicSessions", "courses", "classes", "users", "enrollments"]),
    records=st.lists(st.dictionaries(st.sampled_from(NAMES), json_values, max_size=8) | json_values, max_size=4),
    nested=st.booleans(),
)
def test_translation_is_total_and_pure(collection: str, records: list[Any], nested: bool) -> None:
    body = json.dumps({collection: records}).encode()
    found = [(name, dict(row)) for name, row in rows(collection, body, nested_roles=nested)]
    assert len([name for name, _ in found if name == collection]) == len(records)
    for name, row in found:
        assert set(row) == set(COLLECTIONS[name].columns)
        assert all(value is None or (isinstance(value, str) and value) for value in row.values())
    assert found == [(name, dict(row)) for name, row in rows(collection, body, nested_roles=nested)]


@given(st.binary(max_size=60))
def test_any_bytes_at_all(body: bytes) -> None:
    list(rows("users", body, nested_roles=True))


@given(json_values)
def test_any_value_is_text_or_none(value: Any) -> None:
    for convert in (text, items, flag, date):
        found = convert(value)
        assert found is None or isinstance(found, str)
