"""Copying the terms of one school to others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rollbook.roster.settings import ANY
from rollbook.web.access import Place, Who, page
from rollbook.web.map_saving import Sent, save_sent
from rollbook.web.paging import kept_query
from rollbook.web.school_map import School
from rollbook.web.term_map import Consequence, Terms
from rollbook.web.terms_page import View, confirmation, searched, view_of

_MOST_SHOWN = 100


@page(read=Who.ACTING, write=Who.ACTING)
def copy(request: HttpRequest, place: Place, org: str) -> HttpResponse:
    """Choose schools, and give them what is saved for this one."""
    view = view_of(place.organization)
    if view is None or org == ANY or not view.settings.terms.get(org) or view.school_name(org) is None:
        raise Http404
    if request.method != "POST":
        return render(request, "terms/copy.html", _context(view, org, request.GET))
    return _save(request, place, view, org)


def _save(request: HttpRequest, place: Place, view: View, org: str) -> HttpResponse:
    targets = _targets(view, org, request)
    new = view.terms_at(org).copied(view.year, targets)

    def again(problem: str) -> HttpResponse:
        context = _context(view, org, request.POST, ticked=targets, problem=problem)
        return render(request, "terms/copy.html", context, status=422 if problem else 200)

    if not targets:
        return again(_("Tick at least one school."))
    if new is None:
        return again(
            _(
                "These are too many choices to be copied at once. Tick fewer schools, or choose for “all other "
                "schools” instead."
            )
        )
    if "back" in request.POST:
        return again("")
    return save_sent(request, place, _sent(request, place, view, targets=targets, new=new, again=again))


def _sent(
    request: HttpRequest,
    place: Place,
    view: View,
    *,
    targets: list[str],
    new: Terms,
    again: Callable[[str], HttpResponse],
) -> Sent:
    def asks() -> HttpResponse | None:
        found = _consequences(view, targets, new)
        context = confirmation(view, *_told(view, found), request.POST)
        return render(request, "terms/confirm.html", context) if found else None

    there = reverse("terms", args=[place.organization.slug])
    return Sent(
        key="terms", new=new, saved=view.settings.terms, number=view.number, there=there, again=again, asks=asks
    )


def _targets(view: View, org: str, request: HttpRequest) -> list[str]:
    """The schools that were ticked; of those that are mapped, and never the school itself."""
    if request.POST.get("all"):
        return [school.org for school in _others(view, org, request.POST.get("q", ""))]
    mapped = {school.org for school in view.schools}
    return [each for each in dict.fromkeys(request.POST.getlist("to")) if each in mapped and each != org]


def _consequences(view: View, targets: list[str], new: Terms) -> dict[str, list[Consequence]]:
    """What becomes of terms that were mapped, by school. Most schools have the same terms: worked out once for all."""
    alike: dict[str, list[Consequence]] = {}
    found = {}
    for org in targets:
        saved = repr(view.settings.terms.get(org, {}))
        if saved not in alike:
            alike[saved] = view.terms_at(org).consequences(new)
        found[org] = alike[saved]
    return {org: consequences for org, consequences in found.items() if consequences}


def _told(view: View, found: dict[str, list[Consequence]]) -> tuple[list[Consequence], list[str]]:
    """Each consequence once, and the schools that have any."""
    each = dict.fromkeys(one for consequences in found.values() for one in consequences)
    names = {school.org: school.name for school in view.schools}
    return list(each), [names[org] for org in found]


def _others(view: View, org: str, wanted: str) -> list[School]:
    return [school for school in searched(view.schools, {"q": wanted}) if school.org != org]


def _context(view: View, org: str, given: Any, *, ticked: Collection[str] = (), problem: str = "") -> dict[str, Any]:
    query = kept_query(given, ("q",))
    rows = _others(view, org, query.get("q", ""))
    return {
        "view": view,
        "org": org,
        "school": view.school_name(org),
        "query": query,
        "rows": rows[:_MOST_SHOWN],
        "total": len(rows),
        "ticked": ticked,
        "all": bool(given.get("all")),
        "problem": problem,
    }
