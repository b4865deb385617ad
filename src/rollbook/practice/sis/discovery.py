"""The discovery file of a 1.2 service: where it is, its token endpoint, its scopes and paths."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from rollbook.practice.sis.answers import unknown
from rollbook.practice.sis.auth import PREFIX, SCOPES
from rollbook.practice.sis.model import BASES
from rollbook.practice.sis.views import View, views_of


def discovery_document(request: Request, service: str, name: str) -> dict[str, Any]:
    """An OpenAPI 3 document localised to this server. Raises Refused (404) for another file name.

    The binding and the certification guide name the file differently; both names are served.
    """
    if name not in _file_names(service):
        raise unknown(name)
    origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
    scopes = {PREFIX["1.2"] + scope: scope for scope in SCOPES["1.2"]}
    flow = {"tokenUrl": f"{origin}/token", "scopes": scopes}
    scheme = {"type": "oauth2", "flows": {"clientCredentials": flow}}
    return {
        "openapi": "3.0.1",
        "info": {"title": f"Practice SIS, OneRoster 1.2 {service}", "version": "1.0"},
        "servers": [{"url": origin + BASES["1.2"][service]}],
        "paths": {_named(view): {"get": _operation(view)} for view in views_of("1.2", service).values()},
        "components": {"securitySchemes": {"OAuth2CC": scheme}},
    }


def _file_names(service: str) -> tuple[str, str]:
    short = "rosters" if service == "rostering" else service
    return (f"onerosterv1p2{short}service_openapi3_v1p0.json", f"imsorv1p2_{service}_openapi3_v1p0.json")


def _names(view: View) -> list[str]:
    """Names of the path parameters, as in R12: sourcedId for a single read, else that of the parent."""
    parents = view.template.split("/")[1::2]
    singular = {"classes": "class"}
    return [
        "sourcedId" if view.single else f"{singular.get(name, name.removesuffix('s'))}SourcedId"
        for name in parents[: view.template.count("*")]
    ]


def _named(view: View) -> str:
    path = view.template
    for name in _names(view):
        path = path.replace("*", f"{{{name}}}", 1)
    return path


def _operation(view: View) -> dict[str, Any]:
    text = {"type": "string"}
    parameters = [{"name": n, "in": "path", "required": True, "schema": text} for n in _names(view)]
    return {
        "parameters": parameters,
        "security": [{"OAuth2CC": [PREFIX["1.2"] + scope for scope in view.scopes]}],
        "responses": {"200": {"description": f"{view.kind.name} data"}},
    }
