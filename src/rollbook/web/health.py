"""`/healthz` and `/readyz`: for the machine that watches this process. No names, no paths, no versions."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from rollbook.store import workers
from rollbook.store.setup import pending
from rollbook.web.access import Who, page

OK = "ok"


@page(read=Who.ANYONE)
@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives and answers. Asks nobody else, the database neither."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


@page(read=Who.ANYONE)
@csrf_exempt
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Can work be done: the database answers, its tables are of this release, a worker lives? 503 with the reasons if
    not."""
    checks: dict[str, str] = {}
    for name, check in (("database", _database), ("migrations", _migrations), ("worker", _worker)):
        try:
            checks[name] = check()
        except DatabaseError as error:
            checks[name] = f"the database does not answer: {type(error).__name__}"
    reasons = [words for words in checks.values() if words != OK]
    found = {"ready": not reasons, "checks": checks, "reasons": list(dict.fromkeys(reasons))}
    return JsonResponse(found, status=503 if reasons else 200)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _migrations() -> str:
    return "the tables are of an earlier release: rollbook migrate" if pending() else OK


def _worker() -> str:
    return OK if workers.alive() else "no worker works the queue: rollbook up, or rollbook worker"
