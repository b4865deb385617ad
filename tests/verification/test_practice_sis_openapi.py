"""The official OpenAPI documents judge what the practice SIS answers, operation by operation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.verification.sis_client import MAPLE_VALLEY, SisClient, running_sis

DOCUMENTS = Path(__file__).parents[3] / "shared" / "spec" / "openapi"
pytestmark = pytest.mark.skipif(
    not DOCUMENTS.is_dir(), reason="the official OpenAPI documents are not beside the checkout"
)

FILES = {
    ("1.2", "rostering"): "oneroster-v1p2-rostering.openapi3.json",
    ("1.2", "gradebook"): "oneroster-v1p2-gradebook.openapi3.yaml",
    ("1.2", "resources"): "oneroster-v1p2-resources.openapi3.yaml",
    ("1.1", "rostering"): "oneroster-v1p1-combined.openapi3.json",
}
# What to put for {sourcedId}, by the collection before it; other names are unambiguous.
OWN = {
    "academicSessions": "sem-1", "gradingPeriods": "gp-1", "terms": "sem-1", "classes": "cls-english-9",
    "courses": "crs-algebra", "demographics": "stu-amara", "enrollments": "enr-english-9-amara",
    "orgs": "mv-high", "schools": "mv-high", "students": "stu-amara", "teachers": "tea-kim",
    "users": "gua-ngozi", "categories": "cat-tests", "lineItems": "li-linear",
    "results": "res-linear-amara", "scoreScales": "scale-letters", "resources": "rsc-algebra-book",
    "assessmentLineItems": "ali-1", "assessmentResults": "ares-1",
}  # fmt: skip
PARENTS = {
    "classSourcedId": "cls-algebra-high", "courseSourcedId": "crs-algebra", "schoolSourcedId": "mv-high",
    "studentSourcedId": "stu-amara", "teacherSourcedId": "tea-osei", "userSourcedId": "tea-osei",
    "termSourcedId": "sem-1", "lineItemSourcedId": "li-linear", "academicSessionSourcedId": "gp-1",
}  # fmt: skip
# Where Algebra I at the high school has nothing of the kind asked for.
BETTER = {"/classes/{classSourcedId}/scoreScales": {"classSourcedId": "cls-english-9"}}
RESOURCE_LINKS = {
    "courseResources": "title,courseSourcedId,resourceSourcedId\nx-1,,,Book,crs-algebra,rsc-algebra-book\n",
    "userResources": "userSourcedId,orgSourcedId,classSourcedId,resourceSourcedId\nx-2,,,tea-osei,,,rsc-algebra-book\n",
}


@dataclass(frozen=True)
class Document:
    version: str
    service: str
    paths: dict[str, Any]
    judge: OpenAPI


def _load(version: str, service: str) -> Document:
    text = (DOCUMENTS / FILES[version, service]).read_text(encoding="utf-8")
    data = yaml.load(text, Loader=yaml.CSafeLoader)
    _repair(data)
    data["servers"] = [{"url": "http://sis.example/base"}]
    judge = OpenAPI.from_dict(data, config=Config(spec_validator_cls=None))
    return Document(version, service, data["paths"], judge)


def _repair(data: Any) -> None:
    """The gradebook document writes the texts "true" and "false" without quotes, as YAML booleans."""
    if isinstance(data, dict):
        if data.get("type") == "string" and data.get("enum") == [True, False]:
            data["enum"] = ["true", "false"]
        for value in data.values():
            _repair(value)
    elif isinstance(data, list):
        for value in data:
            _repair(value)


@pytest.fixture(scope="module")
def documents() -> dict[tuple[str, str], Document]:
    return {key: _load(*key) for key in FILES}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SisClient]]:
    district = tmp_path_factory.mktemp("district")
    shutil.copytree(MAPLE_VALLEY, district, dirs_exist_ok=True)
    for name, text in RESOURCE_LINKS.items():
        (district / f"{name}.csv").write_text(f"sourcedId,status,dateLastModified,{text}", encoding="utf-8")
    with running_sis("1.1", district) as old, running_sis("1.2", district) as new:
        _add_assessments(new)
        yield {"1.1": old, "1.2": new}


def _add_assessments(client: SisClient) -> None:
    item = {"title": "County maths", "class": {"sourcedId": "cls-algebra-high"}, "resultValueMax": 50}
    result = {
        "assessmentLineItem": {"sourcedId": "ali-1"}, "student": {"sourcedId": "stu-amara"}, "score": 41.5,
        "scoreDate": "2026-11-03", "scoreStatus": "fully graded", "scorePercentile": 88, "late": "false",
    }  # fmt: skip
    for path, body in (
        ("/assessmentLineItems/ali-1", {"assessmentLineItem": item}),
        ("/assessmentResults/ares-1", {"assessmentResult": result}),
    ):
        assert client.call("PUT", path, "gradebook", json=body).status_code == 201


def _fill(path: str) -> str:
    parts = path.split("/")
    for i, part in enumerate(parts):
        if part == "{sourcedId}":
            parts[i] = OWN[parts[i - 1]]
        elif part.startswith("{"):
            name = part.strip("{}")
            parts[i] = BETTER.get(path, {}).get(name, PARENTS[name])
    return "/".join(parts)


def _judge(document: Document, method: str, path: str, answer: Any) -> None:
    request = MockRequest("http://sis.example", method, f"/base{path}")
    kind = answer.headers.get("content-type", "application/json")
    response = MockResponse(answer.content, answer.status_code, dict(answer.headers), kind)
    document.judge.validate_response(request, response)


@pytest.mark.parametrize("key", FILES, ids=lambda key: " ".join(key))
def test_every_read_is_as_the_document_says(
    key: tuple[str, str], documents: dict[tuple[str, str], Document], clients: dict[str, SisClient]
) -> None:
    document, client = documents[key], clients[key[0]]
    reads = [path for path, operations in document.paths.items() if "get" in operations]
    for path in reads:
        filled = _fill(path)
        answer = client.get(filled, key[1])
        assert answer.status_code == 200, (path, answer.text)
        _judge(document, "get", filled, answer)
        (records,) = answer.json().values()
        assert records, f"{path} shows nothing, so nothing was judged"
        if isinstance(records, list):
            assert answer.headers["x-total-count"] == str(len(records)), path
            assert 'rel="first"' in answer.headers["link"], path
    wanted = {
        ("1.2", "rostering"): 41,
        ("1.2", "gradebook"): 19,
        ("1.2", "resources"): 5,
        ("1.1", "rostering"): 55,
    }
    assert len(reads) == wanted[key]


@pytest.mark.parametrize("key", [key for key in FILES if key[0] == "1.2"], ids=lambda key: " ".join(key))
def test_errors_of_1_2_are_as_the_document_says(
    key: tuple[str, str], documents: dict[tuple[str, str], Document], clients: dict[str, SisClient]
) -> None:
    document, client = documents[key], clients["1.2"]
    for path, operations in document.paths.items():
        if "get" not in operations:
            continue
        filled = _fill(path)
        codes = {}
        for query in ("fields=", "filter=nothing%3D'1'", "fields=nothing"):
            if query.startswith("filter") and path.endswith("{sourcedId}"):
                continue
            answer = client.call("GET", f"{filled}?{query}", key[1])
            codes[query] = answer.status_code
            _judge(document, "get", filled, answer)
        assert set(codes.values()) == {400}, (path, codes)
        if path.endswith("{sourcedId}"):
            answer = client.get(filled + "-nobody", key[1])
            assert answer.status_code == 404
            _judge(document, "get", filled, answer)
        client_without = client.http.get(str(answer.request.url))
        assert client_without.status_code == 401
        _judge(document, "get", filled, client_without)


def test_the_gradebook_s_writes_are_as_the_document_says(
    documents: dict[tuple[str, str], Document],
) -> None:
    document = documents["1.2", "gradebook"]
    judged = 0
    with running_sis("1.2") as client:
        _add_assessments(client)
        kept = {path: client.get(path, "gradebook").json() for path in _WRITTEN}
        for path, operations in document.paths.items():
            for method in {"put", "post", "delete"} & set(operations):
                for own, body in kept.items():  # as it was, whatever the operation before has done
                    assert client.call("PUT", own, "gradebook", json=body).status_code == 201
                filled = _fill(path)
                sent = kept.get(filled) if method == "put" else _set_of_one(kept, path)
                answer = client.call(method.upper(), filled, "gradebook", json=sent)
                assert answer.status_code == (204 if method == "delete" else 201), (path, answer.text)
                _judge(document, method, filled, answer)
                judged += 1
    assert judged == 16


# In the order in which they need each other.
_WRITTEN = (
    "/categories/cat-tests", "/scoreScales/scale-letters", "/lineItems/li-linear",
    "/results/res-linear-amara", "/assessmentLineItems/ali-1", "/assessmentResults/ares-1",
)  # fmt: skip


def _set_of_one(kept: dict[str, Any], path: str) -> Any:
    if path.endswith("/lineItems"):
        return {"lineItems": [kept["/lineItems/li-linear"]["lineItem"]]}
    return {"results": [kept["/results/res-linear-amara"]["result"]]}
