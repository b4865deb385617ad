"""Schools: SIS schools left, LMS buildings right. Asks before schools move or freeze; the map is in `school_map`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.errors import ConfigError
from rollbook.roster.settings import ANY, CREATE
from rollbook.web.access import Place, Who, page
from rollbook.web.lists import read_both
from rollbook.web.map_saving import changed_meanwhile, save_map, was_synced
from rollbook.web.schools_page import FIELD, View, address, shown_context, view_of


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    view = view_of(place.organization)
    if view is None:
        return render(request, "maps/no_sis.html", {"heading": _("Schools")})
    return render(request, "schools.html", shown_context(view, request.GET))


@page(write=Who.ACTING)
def read(request: HttpRequest, place: Place) -> HttpResponse:
    """Read again, or for the first time."""
    if view_of(place.organization) is not None:
        read_both(request, place)
    return redirect("schools", place.organization.slug)


@page(write=Who.ACTING)
def propose(request: HttpRequest, place: Place) -> HttpResponse:
    """Show what would be chosen for all schools that nobody has decided about; saves nothing."""
    view = view_of(place.organization)
    if view is None:
        return redirect("schools", place.organization.slug)
    how = CREATE if request.POST.get("how") == CREATE else "name"
    return render(request, "schools/proposals.html", view.proposals(how))


@page(write=Who.ACTING)
def save(request: HttpRequest, place: Place) -> HttpResponse:
    """Save what was chosen on one page of the list; asks first when schools would move or freeze."""
    view = view_of(place.organization)
    if view is None:
        return redirect("schools", place.organization.slug)
    chosen = _chosen(request)
    wrong = [org for org, value in chosen.items() if not view.map.may_choose(org, value)]
    if wrong or "back" in request.POST:
        return _again(request, view, chosen, wrong=wrong)
    new = view.map.changed(chosen)
    if request.POST.get("seen") != str(view.number):
        if new == view.map.saved:  # sent twice
            return redirect(address(place.organization.slug, request.POST))
        return _again(request, view, chosen, problem=changed_meanwhile())
    consequences = view.map.consequences(chosen) if was_synced(place.organization) else []
    if consequences and "confirmed" not in request.POST:
        return render(request, "schools/confirm.html", view.confirmation(consequences, request.POST))
    try:
        save_map(request, place, key="schools", value=new, seen=view.number)
    except ConfigError as error:
        return _again(request, view, chosen, problem=str(error))
    return redirect(address(place.organization.slug, request.POST))


def _chosen(request: HttpRequest) -> dict[str, str]:
    """What was chosen, by org; schools that are not listed under "*"."""
    found = {name.removeprefix(FIELD): value for name, value in request.POST.items() if name.startswith(FIELD)}
    others = request.POST.get("others")
    return {str(org): str(value) for org, value in found.items()} | ({ANY: others} if others is not None else {})


def _again(
    request: HttpRequest, view: View, chosen: dict[str, str], *, wrong: list[str] | None = None, problem: str = ""
) -> HttpResponse:
    """The page once more with what was chosen."""
    context = shown_context(view, request.POST, chosen=chosen, wrong=wrong or [], problem=problem)
    return render(request, "schools.html", context, status=422 if wrong or problem else 200)


urlpatterns = [
    path("schools/", show, name="schools"),
    path("schools/read/", read, name="schools_read"),
    path("schools/propose/", propose, name="schools_propose"),
    path("schools/save/", save, name="schools_save"),
]
