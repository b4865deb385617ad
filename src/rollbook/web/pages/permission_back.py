"""Where the LMS sends a teacher back to. The address has a state that is good once, for minutes, and only in the
session that began; what the LMS adds to it must be of the same request."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.permissions import Asked, find_request, note_answered, use_request
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened
from rollbook.web.access import Who, page
from rollbook.web.permission_given import say_not_allowed, session_of, take_what_was_given


@page(read=Who.ANYONE)
def back(request: HttpRequest, code: str) -> HttpResponse:
    """Takes what the person gave; or, where another window waits for it, sends them back there."""
    asked = find_request(code, KeyRing(opened().keys))
    if asked is None:
        return _refused(request, 410, _("This was answered already, or is too old."))
    if not asked.row.apart and not _is_of_session(request, asked):
        words = _("This was begun by somebody else, or in another browser, so nothing was kept.")
        return _refused(request, 403, words)
    token = request.GET.get("oauth_token", "")
    if token and not asked.is_about(token):
        return _refused(request, 403, _("The LMS answered something else than was asked, so nothing was kept."))
    if asked.row.apart:
        if token:
            note_answered(asked)
        return _said(request, "grades/came_back.html", 200, {"agreed": bool(token)})
    if token:
        take_what_was_given(request, asked)
    elif use_request(asked):
        say_not_allowed(request)
    slug, section = asked.row.membership.organization.slug, asked.row.section
    answer: HttpResponse = redirect("grades_items", slug, section) if section else redirect("grades_mine", slug)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_of_session(request: HttpRequest, asked: Asked) -> bool:
    person = getattr(request.user, "pk", None)
    return person == asked.row.membership.account_id and asked.began_in(session_of(request))


def _refused(request: HttpRequest, status: int, why: str) -> HttpResponse:
    return _said(request, "grades/not_kept.html", status, {"why": why})


def _said(request: HttpRequest, template: str, status: int, context: dict[str, Any]) -> HttpResponse:
    answer = render(request, template, context, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


urlpatterns = [path("permission/<str:code>/", back, name="permission_back")]
