"""`/metrics` for Prometheus, behind a token of its own. Numbers of organizations and runs, never of persons."""

from __future__ import annotations

import hmac
import os

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest

from rollbook.web.access import Who, page
from rollbook.web.figures import Figures


@page(read=Who.ANYONE)
@csrf_exempt
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """404 unless ROLLBOOK_METRICS_TOKEN is set; 401 for any other token."""
    token = os.environ.get("ROLLBOOK_METRICS_TOKEN", "")
    if not token:
        return HttpResponseNotFound("not found\n", content_type="text/plain")
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), f"Bearer {token}".encode()):
        headers = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"}
        return HttpResponse("the token is missing or wrong\n", status=401, content_type="text/plain", headers=headers)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    ProcessCollector(registry=registry)
    try:
        body = generate_latest(registry)
    except DatabaseError:
        return HttpResponse("the database does not answer\n", status=503, content_type="text/plain")
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
