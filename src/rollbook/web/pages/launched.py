"""The way in of a teacher who was launched from a course: the page that looks for the session's cookie, the window that
opens where a frame keeps none, and the way out."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from rollbook.actions.launches import find_launch_code, launched_to, use_launch_code
from rollbook.store.models import LaunchCode
from rollbook.web.access import Who, page
from rollbook.web.launched import launched_of
from rollbook.web.launches.enter import let_in, offer
from rollbook.web.launches.refusals import refuse
from rollbook.web.launches.sender import sent_by_us
from rollbook.web.launches.session import COOKIE, end


@page(read=Who.ANYONE)
def arrive(request: HttpRequest, code: str) -> HttpResponse:
    """On to the section where the browser kept the cookie of this person's session; else the offer of a window."""
    found = find_launch_code(code)
    if found is None:
        return _over(request, code)
    assert found.platform is not None
    assert found.account is not None
    launched = launched_of(request)
    if launched is None or (launched.account, launched.organization) != (found.account, found.organization):
        return offer(request, code, found.platform, name=found.account.name, window=True)
    if use_launch_code(code) is None:
        return _over(request, code)
    return _to_section(found)


@csrf_exempt  # the window that opens has no cookie yet; the browser says who sent the form
@page(write=Who.ANYONE)
def open_here(request: HttpRequest) -> HttpResponse:
    """Begins the session in the window that this form opened."""
    code = request.POST.get("code", "")
    if not sent_by_us(request):
        return refuse(request, "LAUNCH_FOREIGN", organization=launched_to(code))
    used = use_launch_code(code)
    return _over(request, code) if used is None else let_in(used)


@page(write=Who.ANYONE)
def leave(request: HttpRequest) -> HttpResponse:
    """Ends the launched session; a session of somebody who signed in stays."""
    end(request)
    answer = render(request, "launches/left.html")
    answer.delete_cookie(COOKIE)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _to_section(found: LaunchCode) -> HttpResponse:
    answer: HttpResponse = redirect("grades_items", found.organization.slug, found.section)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _over(request: HttpRequest, code: str) -> HttpResponse:
    return refuse(request, "LAUNCH_OVER", organization=launched_to(code))


urlpatterns = [
    path("launched/open/", open_here, name="launched_open"),
    path("launched/leave/", leave, name="launched_leave"),
    path("launched/<str:code>/", arrive, name="launched_arrive"),
]
