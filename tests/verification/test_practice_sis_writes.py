"""Grades go back to the practice SIS: PUT, DELETE and POST of sets, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.verification.sis_client import SisClient, running_sis

BOOK = "gradebook"
ITEM: dict[str, Any] = {
    "title": "Quadratics", "assignDate": "2026-10-12T08:00:00+02:00", "dueDate": "2026-10-16",
    "class": {"sourcedId": "cls-algebra-high"}, "school": {"sourcedId": "mv-high"},
    "category": {"sourcedId": "cat-homework"},
    "gradingPeriod": {"sourcedId": "gp-1"}, "resultValueMin": 0, "resultValueMax": 12.5,
}  # fmt: skip
RESULT: dict[str, Any] = {
    "lineItem": {"sourcedId": "li-linear"}, "student": {"sourcedId": "stu-maria"}, "score": 300,
    "scoreStatus": "fully graded", "scoreDate": "2026-09-25T11:00:00.000Z",
}  # fmt: skip


@pytest.fixture
def new() -> Iterator[SisClient]:
    with running_sis("1.2") as client:
        yield client


@pytest.fixture
def old() -> Iterator[SisClient]:
    with running_sis("1.1") as client:
        yield client


def _put(client: SisClient, path: str, body: Any) -> tuple[int, bytes]:
    answer = client.call("PUT", path, BOOK, json=body)
    return answer.status_code, answer.content


def test_put_creates_and_replaces_in_1_2(new: SisClient) -> None:
    assert _put(new, "/lineItems/li-new", {"lineItem": ITEM}) == (201, b"")
    stored = new.get("/lineItems/li-new", BOOK).json()["lineItem"]
    assert stored["assignDate"] == "2026-10-12T06:00:00.000Z"
    assert stored["dueDate"] == "2026-10-16T00:00:00.000Z"
    assert stored["school"]["sourcedId"] == "mv-high"
    assert stored["academicSession"]["sourcedId"] == "gp-1"
    assert stored["resultValueMax"] == 12.5
    assert "description" not in stored
    assert _put(new, "/lineItems/li-new", {"lineItem": {**ITEM, "title": "Squares"}}) == (201, b"")
    assert new.get("/lineItems/li-new", BOOK).json()["lineItem"]["title"] == "Squares"
    assert "li-new" in new.ids("/classes/cls-algebra-high/lineItems", BOOK)


def test_put_creates_with_201_and_replaces_with_200_in_1_1(old: SisClient) -> None:
    assert _put(old, "/results/res-new", {"result": RESULT}) == (201, b"")
    assert _put(old, "/results/res-new", {"result": RESULT}) == (200, b"")
    stored = old.get("/results/res-new", BOOK).json()["result"]
    assert (stored["score"], stored["scoreDate"]) == (300, "2026-09-25")
    assert "res-new" in old.ids("/classes/cls-algebra-high/students/stu-maria/results", BOOK)
    assert "class" not in stored, "a 1.1 result has no class"


def test_replace_is_not_merge(new: SisClient) -> None:
    exempt = {key: value for key, value in RESULT.items() if key != "score"} | {"scoreStatus": "exempt"}
    _put(new, "/results/res-new", {"result": {**RESULT, "comment": "Fine", "late": "true"}})
    assert new.get("/results/res-new", BOOK).json()["result"]["late"] == "true"
    _put(new, "/results/res-new", {"result": exempt})
    stored = new.get("/results/res-new", BOOK).json()["result"]
    assert stored["scoreStatus"] == "exempt"
    assert not {"score", "comment", "late"} & set(stored)


def test_a_write_moves_date_last_modified(new: SisClient) -> None:
    before = new.get("/categories/cat-tests", BOOK).json()["category"]["dateLastModified"]
    body = {"category": {"title": "Tests", "weight": 60, "dateLastModified": "2001-01-01T00:00:00.000Z"}}
    assert _put(new, "/categories/cat-tests", body)[0] == 201
    after = new.get("/categories/cat-tests", BOOK).json()["category"]["dateLastModified"]
    assert after >= before
    assert new.ids("/categories", BOOK, filter=f"dateLastModified>='{after}'") == ["cat-tests"]


def test_delete_takes_a_record_away(new: SisClient) -> None:
    assert new.call("DELETE", "/results/res-linear-bjorn", BOOK).status_code == 204
    assert new.get("/results/res-linear-bjorn", BOOK).status_code == 404
    assert new.call("DELETE", "/results/res-linear-bjorn", BOOK).status_code == 404
    assert new.call("DELETE", "/lineItems/li-linear", BOOK).status_code == 204
    assert new.ids("/results", BOOK) == ["res-unit-1-amara"]


def test_post_stores_a_set_under_new_ids(new: SisClient) -> None:
    items = [{**ITEM, "sourcedId": "mine-1"}, {**ITEM, "sourcedId": "mine-2", "title": "Cubes"}]
    for item in items:
        del item["class"]
    answer = new.call("POST", "/classes/cls-algebra-high/lineItems", BOOK, json={"lineItems": items})
    assert answer.status_code == 201
    pairs = answer.json()["sourcedIdPairs"]
    assert [pair["suppliedSourcedId"] for pair in pairs] == ["mine-1", "mine-2"]
    titles = [new.get(f"/lineItems/{pair['allocatedSourcedId']}", BOOK).json()["lineItem"]["title"] for pair in pairs]
    assert titles == ["Quadratics", "Cubes"]
    assert new.get("/lineItems/mine-1", BOOK).status_code == 404
    results = {"results": [{**RESULT, "sourcedId": "r"}]}
    for path in ("/lineItems/li-linear/results", "/classes/cls-algebra-high/academicSessions/gp-1/results"):
        assert new.call("POST", path, BOOK, json=results).status_code == 201
    assert len(new.ids("/classes/cls-algebra-high/students/stu-maria/results", BOOK)) == 2


def test_post_stores_all_or_nothing(new: SisClient) -> None:
    items = [
        {**ITEM, "sourcedId": "mine-1"},
        {**ITEM, "sourcedId": "mine-2", "category": {"sourcedId": "no"}},
    ]
    answer = new.call("POST", "/schools/mv-high/lineItems", BOOK, json={"lineItems": items})
    assert answer.status_code == 422
    assert new.ids("/lineItems", BOOK) == ["li-linear", "li-unit-1"]
    elsewhere = {"results": [{**RESULT, "sourcedId": "r"}]}
    for path, status in (
        ("/classes/cls-biology/academicSessions/gp-1/results", 422),
        ("/classes/cls-algebra-high/academicSessions/gp-2/results", 422),
        ("/lineItems/none/results", 404),
        ("/schools/mv-middle/lineItems", 422),
    ):
        body = {"lineItems": [{**ITEM, "sourcedId": "x", "school": {"sourcedId": "mv-high"}}]}
        sent = body if path.endswith("lineItems") else elsewhere
        assert new.call("POST", path, BOOK, json=sent).status_code == status, path


@pytest.mark.parametrize(
    ("path", "name", "record", "words"),
    [
        ("/lineItems/li-x", "lineItem", {**ITEM, "title": None}, "title"),
        ("/lineItems/li-x", "lineItem", {**ITEM, "school": None}, "school"),
        ("/lineItems/li-x", "lineItem", {**ITEM, "sourcedId": "li-y"}, "path"),
        ("/lineItems/li-x", "lineItem", {**ITEM, "category": {"sourcedId": "none"}}, "category"),
        ("/lineItems/li-x", "lineItem", {**ITEM, "category": "cat-tests"}, "category"),
        ("/lineItems/li-x", "lineItem", {**ITEM, "resultValueMin": 50}, "resultValueMin"),
        ("/lineItems/li-x", "lineItem", {**ITEM, "dueDate": "2026-10-01"}, "dueDate"),
        ("/lineItems/li-x", "lineItem", {**ITEM, "assignDate": "soon"}, "assignDate"),
        ("/lineItems/li-x", "lineItem", {**ITEM, "colour": "red"}, "colour"),
        ("/lineItems/li-x", "item", ITEM, "lineItem"),
        ("/lineItems/li x", "lineItem", ITEM, "sourcedId"),
        ("/results/res-x", "result", {**RESULT, "student": {"sourcedId": "stu-noa"}}, "enrolled"),
        ("/results/res-x", "result", {**RESULT, "class": {"sourcedId": "cls-biology"}}, "class"),
        ("/results/res-x", "result", {**RESULT, "scoreStatus": "FullyGraded"}, "scoreStatus"),
        ("/results/res-x", "result", {**RESULT, "score": "18"}, "score"),
        ("/results/res-x", "result", {**RESULT, "late": "yes"}, "late"),
        ("/scoreScales/sc-x", "scoreScale", {"title": "A", "type": "B", "class": {"sourcedId": "cls-biology"},
         "scoreScaleValue": []}, "scoreScaleValue"),
    ],
)  # fmt: skip
def test_wrong_content_is_422_and_says_what(new: SisClient, path: str, name: str, record: Any, words: str) -> None:
    answer = new.call("PUT", path.replace(" ", "%20"), BOOK, json={name: record})
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert body["imsx_CodeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"] == "invaliddata"
    assert words in body["imsx_description"]
    assert new.get(path.replace(" ", "%20"), BOOK).status_code == 404


def test_a_body_that_is_not_json_is_400(new: SisClient) -> None:
    assert new.call("PUT", "/lineItems/li-x", BOOK, content=b"{half").status_code == 400


def test_1_1_has_no_score_scales_and_no_sets(old: SisClient) -> None:
    assert old.get("/scoreScales", BOOK).status_code == 404
    assert old.call("PUT", "/scoreScales/x", BOOK, json={}).status_code == 404
    assert old.call("POST", "/classes/cls-biology/lineItems", BOOK, json={}).status_code == 405


@pytest.mark.parametrize(
    ("fault", "path", "body"),
    [
        ("title_limit:characters=5", "/lineItems/li-x", {"lineItem": ITEM}),
        ("unique_titles", "/lineItems/li-x", {"lineItem": {**ITEM, "title": "Linear equations"}}),
        ("session_dates", "/lineItems/li-x", {"lineItem": {**ITEM, "gradingPeriod": {"sourcedId": "gp-4"}}}),
        ("window_closed", "/lineItems/li-x", {"lineItem": ITEM}),
        ("window_closed", "/results/res-x", {"result": RESULT}),
        ("score_range", "/results/res-x", {"result": RESULT}),
        ("score_demanded", "/results/res-x", {"result": {**RESULT, "scoreStatus": "exempt", "score": None}}),
    ],
)
def test_limits_of_some_systems(fault: str, path: str, body: Any) -> None:
    with running_sis("1.2", faults=[fault]) as client:
        assert _put(client, path, body)[0] == 422
        client.control("faults", clear=True)
        assert _put(client, path, body)[0] == 201


def test_some_systems_give_their_own_line_item_id() -> None:
    with running_sis("1.1", faults=["own_item_id"]) as client:
        answer = client.call("PUT", "/lineItems/li-x", BOOK, json={"lineItem": ITEM})
        assert answer.status_code == 201
        own = answer.json()["lineItem"]["sourcedId"]
        assert own != "li-x"
        assert client.get(f"/lineItems/{own}", BOOK).json()["lineItem"]["title"] == "Quadratics"


def test_some_systems_delete_nothing() -> None:
    with running_sis("1.1", faults=["no_delete"]) as client:
        assert client.call("DELETE", "/results/res-linear-bjorn", BOOK).status_code == 405
        assert client.get("/results/res-linear-bjorn", BOOK).status_code == 200
