"""The JSON API as an OpenAPI 3.1 document, from its table of operations and the schemas in docs/reference/schemas."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

import rollbook.web  # noqa: F401 - the settings of the pages, before anything else of Rollbook
from rollbook.web.api.operations import Operation, resources, shape_names
from rollbook.web.pages import api

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "reference" / "schemas"
#: The document stands twice: for readers of the docs, and for the program that serves it.
PLACES = (ROOT / "docs" / "reference" / "openapi.json", api.DOCUMENT)
BASE = "/api/v1/o/{slug}"
REF = "#/components/schemas/"

SLUG = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}
#: Ids are made of these; an address with anything else leads nowhere.
ID = {"type": "string", "pattern": "^[A-Za-z0-9_.:|-]{1,64}$"}
WHY = {
    401: "The token is missing, wrong, expired or revoked, or its account has left the organization.",
    403: "The token, or the person it belongs to, may not do this.",
    404: "There is no such thing in an organization of this token.",
    409: "Not as things stand: somebody saved other settings meanwhile, the run has ended, the plan is stale.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not JSON.",
    422: "The request is not valid; the message says where.",
    429: "Too many requests; Retry-After says how many seconds to wait.",
    503: "The database does not answer now.",
}
TEXT = """Everything that the pages do, for programs. Make a token on the page API and send it with each request, as
`Authorization: Bearer rb_…`. A token belongs to one organization and has at most the rights that the person who made it
has at that moment. Errors have one shape; `who` says who must act."""


def document() -> str:
    """The text of openapi.json."""
    components: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for resource in resources():
        path = BASE + re.sub(r"<str:(\w+)>", r"{\1}", resource.path)
        parameters = [_part(name) for name in re.findall(r"{(\w+)}", path)]
        operations = {one.method.lower(): _operation(one, components) for one in resource.operations.values()}
        paths[path] = {"parameters": parameters, **operations}
    _named("error", components)
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "Rollbook",
            "version": "1",
            "description": " ".join(TEXT.split()),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _part(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": SLUG if name == "slug" else ID}


def _operation(one: Operation, components: dict[str, Any]) -> dict[str, Any]:
    answer = {"description": "Done.", "content": _json(_named(one.answer, components))}
    if one.versioned:
        answer["headers"] = {"ETag": {"required": True, "schema": {"type": "string"}}}
    found: dict[str, Any] = {
        "operationId": one.run.__name__ if one.run.__name__ not in ("put", "patch") else f"{one.run.__name__}_settings",
        "summary": one.summary.partition(". ")[0].rstrip("."),
        "description": f"{one.summary} For {one.who}.",
        "parameters": _parameters(one, components),
        "responses": {str(one.status): answer, **{str(status): _refusal(status) for status in _refusals(one)}},
    }
    if one.body is not None:
        schema = _struct(one.body, components)
        needed = bool(components[one.body.__name__].get("required"))
        found["requestBody"] = {"required": needed, "content": _json(schema)}
    return found


def _parameters(one: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    _struct(one.query, components)
    shape = components.pop(one.query.__name__)
    needed = shape.get("required", [])
    found: list[dict[str, Any]] = [
        {"name": name, "in": "query", "required": name in needed, "schema": _not_null(schema)}
        for name, schema in shape["properties"].items()
    ]
    if one.versioned and one.writes:
        words = "The ETag of the settings that were looked at."
        schema = {"type": "string", "pattern": r'^"[0-9]{1,9}"$'}
        found.append({"name": "If-Match", "in": "header", "required": False, "description": words, "schema": schema})
    return found


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query that is not given is left out; there is no null in it."""
    kinds = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if "enum" in schema:
        return {key: [v for v in value if v is not None] if key == "enum" else value for key, value in _kept(schema)}
    return kinds[0] if kinds else dict(_kept(schema))


def _kept(schema: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in schema.items() if not (key == "default" and value is None)]


def _refusals(one: Operation) -> list[int]:
    found = [401, 403, 404, 422, 429, 503]
    found += [409] if one.writes or one.conflict else []
    found += [413, 415] if one.body is not None else []
    return sorted(found)


def _refusal(status: int) -> dict[str, Any]:
    return {"description": WHY[status], "content": _json({"$ref": f"{REF}error"})}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _named(name: str, components: dict[str, Any]) -> dict[str, Any]:
    """A schema of docs/reference/schemas or a struct, put among the components."""
    struct = shape_names().get(name)
    if struct is not None:
        return _struct(struct, components)
    if name not in components:
        schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
        definitions = schema.pop("$defs", {})
        schema.pop("$schema", None)
        # What a document calls `error` is a part of a run there, and the whole answer elsewhere.
        names = {key: f"{name}_{key}" for key in definitions}
        components[name] = _renamed(schema, names)
        for key, inner in definitions.items():
            components[names[key]] = _renamed(inner, names)
    return {"$ref": f"{REF}{name}"}


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    if isinstance(schema, dict):
        return {
            key: f"{REF}{names[value.rpartition('/')[2]]}" if key == "$ref" else _renamed(value, names)
            for key, value in schema.items()
        }
    return [_renamed(one, names) for one in schema] if isinstance(schema, list) else schema


def _struct(struct: type[msgspec.Struct], components: dict[str, Any]) -> dict[str, Any]:
    (found,), inner = msgspec.json.schema_components([struct], ref_template=REF + "{name}")
    components.update(inner)
    return found
