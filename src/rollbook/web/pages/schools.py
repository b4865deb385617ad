"""Schools: SIS schools left, LMS buildings right. Asks before schools move or freeze; the map is in `school_map`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.roster.settings import ANY, CREATE
from rollbook.web.access import Place, Who, page
from rollbook.web.map_saving import Sent, read_lists, save_sent
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
    return read_lists(request, place, "schools")


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

    def asks() -> HttpResponse | None:
        found = view.map.consequences(chosen)
        return render(request, "schools/confirm.html", view.confirmation(found, request.POST)) if found else None

    sent = Sent(
        key="schools", new=view.map.changed(chosen), saved=view.map.saved, number=view.number,
        there=address(place.organization.slug, request.POST),
        again=lambda problem: _again(request, view, chosen, problem=problem), asks=asks,
    )  # fmt: skip
    return save_sent(request, place, sent)


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
