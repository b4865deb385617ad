"""Pages for what went wrong: nothing typed is lost, and nothing personal is told."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rollbook.errors import Bug
from rollbook.store.models import Account
from rollbook.web.access import Who, lead, page_of
from rollbook.web.api.answers import Refused, error_answer
from rollbook.web.kept_forms import keep_old
from rollbook.web.language import speak_to


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is from an earlier session or another site. Of ours, what was typed stands in the form again."""
    if isinstance(request.user, Account) and _is_ours(request):
        answer = lead(request, page_of(request), 403)
        if keep_old(request, page_of(request), answer, request.user):
            return answer
    return render(request, "stale_form.html", status=403)


def _is_ours(request: HttpRequest) -> bool:
    """Was the form on a page of ours, and does it go to one? Else what others sent would look as if typed here."""
    came = urlsplit(request.headers.get("Referer") or "").netloc
    rule = getattr(request.resolver_match.func, "rule", None) if request.resolver_match else None
    return came == request.get_host() and rule is not None and rule.write is not Who.ANYONE


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if _wants_json(request):
        return error_answer(Refused(404, "NotFound", "there is nothing at this address"))
    speak_to(request)  # an address of no page has not come past the middleware
    return render(request, "not_found.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    if _wants_json(request):
        bug = Bug("something that cannot happen happened")
        return error_answer(Refused(500, "Bug", str(bug), bug.who))
    return render(request, "broken.html", status=500)
