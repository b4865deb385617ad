"""Pages for what went wrong: nothing typed is lost, and nothing personal is told."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rollbook.errors import Bug
from rollbook.web.api.answers import Refused, error_answer


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is from an earlier session or another site."""
    return render(request, "stale_form.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _wants_json(request):
        return error_answer(Refused(404, "NotFound", "there is nothing at this address"))
    return render(request, "not_found.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    if _wants_json(request):
        bug = Bug("something that cannot happen happened")
        return error_answer(Refused(500, "Bug", str(bug), bug.who))
    return render(request, "broken.html", status=500)
