"""The official OpenAPI documents judge what the grade sink sends: every PUT and DELETE, in 1.1 and 1.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest

from rollbook.connectors.base import Batch
from rollbook.connectors.oneroster_rest.gradebook import OneRosterGrades
from rollbook.connectors.oneroster_rest.options import OneRosterOptions
from rollbook.roster.changes import DONE
from rollbook.roster.grades import EXEMPT, NOT_SUBMITTED
from rollbook.roster.lms import CREATE, REMOVE
from rollbook.testing import make_context
from rollbook.testing.grade_samples import Room, line_item, result
from tests.verification import test_practice_sis_openapi as documents

pytestmark = documents.pytestmark

ROOM = Room(id="cls-1", school="org-1", category="cat-1", session="gp-1", students=("s-1", "s-2"), stranger="s-3")
#: Where the document stands, and the address under which the sink finds that service.
SERVICES = {
    ("1.2", "gradebook"): "/ims/oneroster/rostering/v1p2",
    ("1.1", "rostering"): "/ims/oneroster/v1p1",
}
CHANGES = (
    (line_item(ROOM), CREATE),
    (line_item(ROOM, "li-2", description=None), CREATE),
    (result(ROOM, "li-suite", "s-1"), CREATE),
    (result(ROOM, "li-suite", "s-2", late=True, missing=True, incomplete=False, text_score="A-"), CREATE),
    (result(ROOM, "li-suite", "s-2", score=0.0, comment=None, status=NOT_SUBMITTED), CREATE),
    (result(ROOM, "li-suite", "s-1"), REMOVE),
    (line_item(ROOM), REMOVE),
)
#: 1.1's document demands a score; no score is never a score of 0, so this one is judged in 1.2 alone.
WITHOUT_SCORE = (result(ROOM, "li-suite", "s-1", score=None, status=EXEMPT), CREATE)


@pytest.mark.parametrize("key", SERVICES, ids=lambda key: key[0])
def test_what_is_sent_is_as_the_document_says(key: tuple[str, str], tmp_path: Path) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/token":
            return httpx2.Response(200, json={"access_token": "t", "token_type": "bearer", "expires_in": 3600})
        sent.append(request)
        return httpx2.Response(204 if request.method == "DELETE" else 201)

    options = OneRosterOptions(
        base_url=f"http://127.0.0.1{SERVICES[key]}", token_url="http://127.0.0.1/token", key="k", secret="s"
    )
    sink = OneRosterGrades(options, make_context(tmp_path), transport=httpx2.MockTransport(answer))
    changes = [*CHANGES, WITHOUT_SCORE] if key[0] == "1.2" else list(CHANGES)
    for change, action in changes:
        outcome = sink.apply(Batch(kind=change.kind, action=action, changes=[change]))[0]
        assert outcome.status == DONE, outcome.message
    sink.close()
    assert [request.method for request in sent].count("PUT") == len(changes) - 2
    judge = _judge(key)
    for request in sent:
        judge.validate_request(_as_seen(request))


def _judge(key: tuple[str, str]) -> OpenAPI:
    """Without what it says of signing in, which openapi-core does not know."""
    data = yaml.load((documents.DOCUMENTS / documents.FILES[key]).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    documents._repair(data)
    data["servers"] = [{"url": "http://sis.example/base"}]
    data.pop("security", None)
    for operations in data["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    return OpenAPI.from_dict(data, config=Config(spec_validator_cls=None))


def _as_seen(request: httpx2.Request) -> Any:
    """The request below the address of the document."""
    path = "/base/" + request.url.path.split("/v1p")[1].partition("/")[2]
    return MockRequest(
        "http://sis.example", request.method.lower(), path, headers=dict(request.headers), data=request.content or None
    )
