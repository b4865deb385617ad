"""The API keeps what its OpenAPI document promises: schemathesis asks every operation, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_core import OpenAPI
from schemathesis import GenerationMode, checks

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.web.api.rights import Pace
from tests.repo.tree import ROOT
from tests.web.people import Person
from tests.web.programs import Program, program
from tests.web.world import run_now

DOCUMENT = ROOT / "docs" / "reference" / "openapi.json"
LABELS = [
    f"{method.upper()} {path}"
    for path, methods in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"].items()
    for method in methods
    if method != "parameters"
]
#: Is what is answered what is promised?
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
BOUNDED = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)


@pytest.fixture
def robot(ann: Person, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setattr("rollbook.web.api.operations.PACE", Pace(1_000_000))
    return program(ann)


@pytest.fixture
def there(world: Space, pages: DataFolder, robot: Program) -> dict[str, str]:
    """A run with a plan, and a hold that waits."""
    run_now(pages)
    world.rows["enrollments"] = world.rows["enrollments"][: len(world.rows["enrollments"]) // 2]
    run = run_now(pages)
    hold = run.holds.first()
    assert hold is not None
    return {"slug": "maple", "run": run.pk, "hold": hold.hold}


@pytest.fixture
def api(pages: DataFolder) -> Any:
    from django.core.wsgi import get_wsgi_application

    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


def test_with_things_that_are_there(api: Any, there: dict[str, str], robot: Program) -> None:
    """Right and wrong questions and bodies, about a run and a hold that exist. One world for all: it takes seconds."""

    def ask(case: Any) -> None:
        case.path_parameters = {name: there[name] for name in case.path_parameters}
        _ask(case, robot)

    for label in LABELS:
        _each(api, label, GenerationMode.POSITIVE, ask)
        _each(api, label, GenerationMode.NEGATIVE, ask)


def test_with_any_address_and_without_a_token(api: Any, robot: Program) -> None:
    def ask(case: Any) -> None:
        _ask(case, robot)
        answer = case.call(headers={"Authorization": "Bearer rb_wrong"})
        assert answer.status_code in (401, 404)  # 404: the address is no address
        case.validate_response(answer, checks=CHECKS)

    for label in LABELS:
        _each(api, label, GenerationMode.POSITIVE, ask, examples=2)


def _each(api: Any, label: str, mode: GenerationMode, ask: Callable[[Any], None], examples: int = 6) -> None:
    """Ask the operation so many generated questions."""
    operation = api.find_operation_by_label(label)
    assert operation is not None
    bounded = settings(BOUNDED, max_examples=examples)
    try:
        bounded(given(case=operation.as_strategy(generation_mode=mode))(lambda case: ask(case)))()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing can be wrong about it
    except BaseException as error:
        error.add_note(f"{label}, {mode}")
        raise


def _ask(case: Any, robot: Program) -> None:
    answer = case.call(headers={"Authorization": f"Bearer {robot.text}"})
    case.validate_response(answer, checks=CHECKS)


def test_the_document_is_valid_and_whole() -> None:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    OpenAPI.from_dict(document)  # raises what is wrong with it
    paths = document["paths"]
    assert {"/api/v1/o/{slug}/runs", "/api/v1/o/{slug}/holds/{hold}/approve"} <= set(paths)
    ids = [one["operationId"] for methods in paths.values() for name, one in methods.items() if name != "parameters"]
    assert len(ids) == len(set(ids)) >= 17
    served = Path(ROOT / "src/rollbook/web/api/openapi.json")
    assert served.read_bytes() == DOCUMENT.read_bytes()
