"""The JSON API: its operations below /api/v1/o/<slug>, and the document that describes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from rollbook.web.access import Who, page
from rollbook.web.api import holds, reading, runs, settings
from rollbook.web.api.operations import resources

#: They fill the table of operations.
MODULES: Final = (runs, holds, settings, reading)
#: Made by script/docs from the table; the same as docs/reference/openapi.json.
DOCUMENT: Final = Path(__file__).parents[1] / "api" / "openapi.json"


@page(read=Who.ANYONE)
@csrf_exempt
def openapi(request: HttpRequest) -> HttpResponse:
    """It names no organization, so that everybody may read it."""
    return HttpResponse(_document(), content_type="application/json", headers={"Cache-Control": "max-age=3600"})


@cache
def _document() -> bytes:
    return DOCUMENT.read_bytes()


urlpatterns = [
    path("api/v1/openapi.json", openapi, name="api_document"),
    *(path(f"api/v1/o/<slug:slug>{one.path}", one.view()) for one in resources()),
]
