"""Terms: for every mapped school, academic sessions left, grading periods right."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from rollbook.roster.settings import ANY
from rollbook.web.access import Place, Who, page
from rollbook.web.map_saving import Sent, read_lists, save_sent
from rollbook.web.pages.terms_copy import copy
from rollbook.web.paging import kept_query
from rollbook.web.term_map import Choice
from rollbook.web.terms_page import FIELD, KEPT, View, confirmation, school_context, school_list, view_of


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    view = view_of(place.organization)
    if view is None:
        return render(request, "maps/no_sis.html", {"heading": _("Terms")})
    return render(request, "terms.html", school_list(view, request.GET))


@page(write=Who.ACTING)
def read(request: HttpRequest, place: Place) -> HttpResponse:
    """Read the lists again, or for the first time."""
    return read_lists(request, place, "terms")


@page(read=Who.READER, write=Who.ACTING)
def others(request: HttpRequest, place: Place) -> HttpResponse:
    """The terms of all schools that have no choice of their own."""
    return _school(request, place, ANY)


@page(read=Who.READER, write=Who.ACTING)
def school(request: HttpRequest, place: Place, org: str) -> HttpResponse:
    """The terms of one school."""
    if org == ANY:
        raise Http404
    return _school(request, place, org)


def _school(request: HttpRequest, place: Place, org: str) -> HttpResponse:
    view = view_of(place.organization)
    if view is None or view.school_name(org) is None:
        raise Http404
    if request.method == "POST":
        return _save(request, place, view, org)
    return render(request, "terms/school.html", school_context(view, org, request.GET))


def _save(request: HttpRequest, place: Place, view: View, org: str) -> HttpResponse:
    """Save what was chosen on one page of the list; asks first when sections would freeze or be sorted anew."""
    terms, chosen = view.terms_at(org), _chosen(request)
    wrong = [session for session, choice in chosen.items() if terms.problem(session, choice)]
    if wrong or "back" in request.POST:
        return _again(request, view, org, chosen, wrong=wrong)
    new = terms.changed(chosen)

    def asks() -> HttpResponse | None:
        found, schools = terms.consequences(new), [view.school_name(org) or org]
        context = confirmation(view, found, schools, request.POST)
        return render(request, "terms/confirm.html", context) if found else None

    sent = Sent(
        key="terms", new=new, saved=view.settings.terms, number=view.number, there=_address(place, org, request),
        again=lambda problem: _again(request, view, org, chosen, problem=problem), asks=asks,
    )  # fmt: skip
    return save_sent(request, place, sent)


def _chosen(request: HttpRequest) -> dict[str, Choice]:
    """What was chosen, by session; all other terms under "*"."""
    names = [name for name in request.POST if name.startswith(FIELD)]
    found = {}
    for name in names:
        values = [str(value) for value in request.POST.getlist(name) if value]
        found[name.removeprefix(FIELD)] = tuple(dict.fromkeys(values))
    return found


def _again(
    request: HttpRequest,
    view: View,
    org: str,
    chosen: dict[str, Choice],
    *,
    wrong: list[str] | None = None,
    problem: str = "",
) -> HttpResponse:
    """The page once more with what was chosen."""
    context = school_context(view, org, request.POST, chosen=chosen, wrong=wrong or [], problem=problem)
    return render(request, "terms/school.html", context, status=422 if wrong or problem else 200)


def _address(place: Place, org: str, request: HttpRequest) -> str:
    """The page of the list from which a form was sent."""
    slug = place.organization.slug
    there = reverse("terms_others", args=[slug]) if org == ANY else reverse("terms_school", args=[slug, org])
    query = kept_query(request.POST, KEPT)
    return there + (f"?{urlencode(query)}" if query else "")


urlpatterns = [
    path("terms/", show, name="terms"),
    path("terms/read/", read, name="terms_read"),
    path("terms/others/", others, name="terms_others"),
    path("terms/school/<path:org>/", school, name="terms_school"),
    path("terms/copy/<path:org>/", copy, name="terms_copy"),
]
