"""The gradebook of OneRoster REST without a network: addresses, scopes, limits, the wire, and what answers mean."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.connectors.kit import Answer, parse
from rollbook.connectors.oneroster_rest import gradebook_answers as answers
from rollbook.connectors.oneroster_rest.gradebook_setup import GradeSetup, work_out_grades
from rollbook.connectors.oneroster_rest.gradebook_tables import WIRES, deleted, from_wire, to_wire
from rollbook.connectors.oneroster_rest.options import OneRosterOptions, work_out
from rollbook.errors import ConfigError
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN
from rollbook.roster.grades import EXEMPT, FULLY, GRADE_KINDS, NOT_SUBMITTED
from rollbook.testing.odd import json_values, texts

V1_1, V1_2 = "https://sis.example/ims/oneroster/v1p1", "https://sis.example/x/ims/oneroster/rostering/v1p2"


def setup(**values: Any) -> GradeSetup:
    given_ = {"base_url": V1_1, "token_url": "https://sis.example/t", "key": "k", "secret": "hush", **values}
    return work_out_grades(parse(OneRosterOptions, given_))


# --- addresses, scopes, limits ----------------------------------------------------------------------------------------


def test_each_service_of_1_2_has_its_address_and_1_1_has_one() -> None:
    old, new = setup(), setup(base_url=V1_2)
    assert old.address("lineItems", "li/1") == f"{V1_1}/lineItems/li%2F1"
    assert old.address("classes", "c 1") == f"{V1_1}/classes/c%201"
    book = "https://sis.example/x/ims/oneroster/gradebook/v1p2"
    assert new.address("results", "r") == f"{book}/results/r"
    assert new.address("classes", "c", "lineItems") == f"{book}/classes/c/lineItems"
    assert new.address("classes", "c") == f"{V1_2}/classes/c"
    assert new.address("schools", "s", "classes", "c", "enrollments") == f"{V1_2}/schools/s/classes/c/enrollments"
    assert (
        setup(gradebook_url="https://sis.example/grades/").address("results", "r").startswith("https://sis.example/g")
    )


def test_an_address_without_the_usual_parts_serves_both() -> None:
    assert setup(base_url="https://sis.example/api", version="1.2").base_url == "https://sis.example/api"


def test_the_gradebook_is_on_the_same_host() -> None:
    with pytest.raises(ConfigError, match="gradebook_url"):
        setup(gradebook_url="https://elsewhere.example/grades")


def test_scopes_of_grades_are_asked_for_by_the_sink_alone() -> None:
    prefix = "https://purl.imsglobal.org/spec/or/v1p2/scope/"
    options = parse(
        OneRosterOptions, {"base_url": V1_2, "token_url": "https://sis.example/t", "key": "k", "secret": "hush"}
    )
    assert work_out(options).scope == f"{prefix}roster-core.readonly"
    assert work_out_grades(options).setup.scope.split() == [
        f"{prefix}{name}"
        for name in ("roster.readonly", "gradebook.readonly", "gradebook.createput", "gradebook.delete")
    ]
    assert setup(scopes="-").setup.scope == ""
    assert setup(scopes="own").setup.scope.split()[0] == "own"


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ({}, {"title": None, "letters": False, "flags": False, "deletes": True, "above_maximum": True}),
        ({"base_url": V1_2}, {"letters": True, "flags": True, "makes_categories": False}),
        ({"partner": "infinite-campus", "base_url": V1_2}, {"title": 50, "unique_titles": True}),
        ({"partner": "infinite-campus", "base_url": V1_2, "title_limit": 30}, {"title": 30}),
        ({"partner": "blackbaud"}, {"above_maximum": False, "title": None}),
        ({"partner": "aeries"}, {"deletes": False}),
        ({"partner": "aeries", "removals": "delete"}, {"deletes": True}),
        ({"removals": "not submitted"}, {"deletes": False}),
    ],
)
def test_limits_of_partners(values: dict[str, Any], limits: dict[str, Any]) -> None:
    found = setup(**values).limits
    assert {name: getattr(found, name) for name in limits} == limits


def test_a_partners_header_goes_with_grades_only_and_can_be_replaced() -> None:
    campus = {"partner": "infinite-campus", "base_url": V1_2}
    assert setup(**campus).setup.headers == {"x-vendor-authorization": "k:hush"}
    assert setup(**campus, headers={"x-vendor-authorization": "a:b"}).setup.headers["x-vendor-authorization"] == "a:b"
    options = {**campus, "token_url": "https://sis.example/t", "key": "k", "secret": "hush"}
    assert work_out(parse(OneRosterOptions, options)).headers == {}
    assert "hush" not in repr(parse(OneRosterOptions, options))


# --- the wire ---------------------------------------------------------------------------------------------------------


def wire(kind: str, fields: dict[str, Any], version: str = "1.2") -> dict[str, Any]:
    return to_wire(kind, "own", fields, version=version, address=lambda plural, own: f"/{plural}/{own}")


def test_what_is_not_known_is_left_out() -> None:
    said = wire("result", {"score": None, "comment": "", "status": EXEMPT, "late": None})
    assert {name for name in said if name not in ("sourcedId", "status", "dateLastModified")} == {"scoreStatus"}
    assert wire("result", {"score": 0.0})["score"] == 0
    assert wire("result", {"score": float("nan")})["score"] is None


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ({"score": "17.50"}, {"score": 17.5}),
        ({"score": "A"}, {}),
        ({"score": None}, {}),
        ({"score": True}, {}),
        ({"score": 1e400}, {}),
        ({"scoreDate": "2026-09-22T00:00:00.000Z"}, {"date": "2026-09-22"}),
        ({"late": "TRUE", "missing": False, "incomplete": "perhaps"}, {"late": True, "missing": False}),
        ({"student": {"sourcedId": 17}, "lineItem": "li"}, {"student": "17", "line_item": "li"}),
        ({"scoreStatus": "Fully Graded"}, {"status": FULLY}),
    ],
)
def test_results_are_read_whatever_they_look_like(record: dict[str, Any], fields: dict[str, Any]) -> None:
    found = from_wire("result", record, version="1.2")
    assert {name: value for name, value in found.items() if value != ""} == fields


def test_1_1_says_0_where_no_score_was_given() -> None:
    for status, shown in ((EXEMPT, False), (NOT_SUBMITTED, False), (FULLY, True)):
        record = {"score": 0, "scoreStatus": status}
        assert ("score" in from_wire("result", record, version="1.1")) == shown
        assert "score" in from_wire("result", record, version="1.2")


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ("2026-09-21T23:59:00-04:00", "2026-09-22T03:59:00.000Z"),
        ("2026-09-21T10:00:00.123456Z", "2026-09-21T10:00:00.123Z"),
        ("2026-09-21", "2026-09-21T00:00:00.000Z"),
        ("9/21/2026", None),
        (None, None),
    ],
)
def test_moments_come_in_any_offset(given_: Any, read: str | None) -> None:
    assert from_wire("line_item", {"dueDate": given_}, version="1.1").get("due_date") == read


def test_deleted_records() -> None:
    assert [deleted({"status": word}) for word in ("tobedeleted", "toBeDeleted", "inactive", "active", None, "")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


@given(record=st.dictionaries(st.sampled_from([name for name, _ in WIRES["result"].fields.values()]), json_values))
def test_reading_is_total(record: dict[str, Any]) -> None:
    for kind in WIRES:
        for version in ("1.1", "1.2"):
            found = from_wire(kind, record, version=version)
            assert set(found) <= set(GRADE_KINDS[kind].fields)


# --- answers ----------------------------------------------------------------------------------------------------------


def answer(status: int, body: Any = b"", kind: str = "application/json") -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = httpx2.Headers({"content-type": kind} if content else {})
    return Answer(status=status, headers=headers, body=content, url="https://x", who="the SIS", what="")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"imsx_description": "closed", "imsx_codeMinor": "invaliddata"}, "closed (invaliddata)"),
        (
            {
                "imsx_description": "closed",
                "imsx_CodeMinor": {"imsx_codeMinorField": [{"imsx_codeMinorFieldValue": "invaliddata"}]},
            },
            "closed (invaliddata)",
        ),
        ({"imsx_CodeMinor": {"imsx_codeMinorField": {"imsx_codeMinorFieldValue": "x"}}}, "x"),
        ({"statusInfoSet": [{"imsx_description": "one", "imsx_codeMinor": "invalid data"}]}, "one (invalid data)"),
        ({"statusInfoSet": {"description": "no prefix", "codeMinor": "c"}}, "no prefix (c)"),
        ({"errors": [{"description": "a"}, {"message": "b"}]}, "a; b"),
        ({"errors": ["plain"]}, "plain"),
        ({"error": "short"}, "short"),
        ({"message": "Multiple\n matches   found"}, "Multiple matches found"),
        ([{"imsx_description": "listed"}], "listed"),
        ("only text", "only text"),
        (b"plain text", "plain text"),
        ({}, "refused with status 422"),
        (b"", "refused with status 422"),
        (b"<html><p>Zebulon</p></html>", "refused with status 422"),
        ({"imsx_description": "x" * 400}, "x" * 299 + "…"),
    ],
)
def test_words_of_a_refusal(body: Any, words: str) -> None:
    found = answers.outcome(answer(422, body), "own", "result")
    assert (found.status, found.code, found.message) == (REFUSED, 422, words)


@pytest.mark.parametrize(
    ("status", "body", "kind", "outcome", "lms_id"),
    [
        (200, b"", "", DONE, "own"),
        (201, b"", "", DONE, "own"),
        (204, b"", "", DONE, "own"),
        (200, b"OK", "text/plain", DONE, "own"),
        (200, {"lineItem": {"sourcedId": "theirs"}}, "application/json", DONE, "theirs"),
        (200, {"sourcedId": "theirs"}, "application/json", DONE, "theirs"),
        (201, {"sourcedIdPairs": [{"allocatedSourcedId": "theirs"}]}, "application/json", DONE, "theirs"),
        (201, {"sourcedIdPairs": {"allocatedSourcedId": "theirs"}}, "application/json", DONE, "theirs"),
        (200, {"lineItem": {"sourcedId": 7}}, "application/json", DONE, "own"),
        (200, {"statusInfoSet": [{"imsx_codeMajor": "success"}]}, "application/json", DONE, "own"),
        (200, {"statusInfoSet": [{"imsx_codeMajor": "failure"}]}, "application/json", REFUSED, None),
        (200, b"<!doctype html>", "text/html", UNKNOWN, None),
        (200, b"<html>", "application/json", UNKNOWN, None),
        (200, b"being updated", "application/json", UNKNOWN, None),
    ],
)
def test_what_an_answer_means(status: int, body: Any, kind: str, outcome: str, lms_id: str | None) -> None:
    found = answers.outcome(answer(status, body, kind), "own", "lineItem")
    assert (found.status, found.lms_id, found.code) == (outcome, lms_id, status)


@given(body=json_values | texts.map(str.encode), status=st.sampled_from([200, 201, 400, 404, 422]))
def test_answers_are_read_totally(body: Any, status: int) -> None:
    found = answers.outcome(answer(status, body), "own", "lineItem")
    assert len(found.message) <= 300
    assert (found.status == DONE) == bool(found.lms_id)
