"""Pages to read: what moves between the systems, and where each field comes from."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from rollbook.store.both_systems import newest_look
from rollbook.web.access import Place, Who, page
from rollbook.web.field_words import field_map, matching_words
from rollbook.web.lists import lms_has
from rollbook.web.steps import steps


@page(read=Who.READER)
def what_moves(request: HttpRequest, place: Place) -> HttpResponse:
    done = steps(place.organization)
    look = newest_look(place.organization)
    spaces = look.sanity.get("usernames_with_spaces") if look is not None else None
    context = {
        "steps": done,
        "spaces": spaces,
        "has_periods": lms_has(done.settings, "grading_period"),
        "has_parents": lms_has(done.settings, "guardian_link"),
        "by_clock": done.settings is not None and done.settings.grades.schedule.mode == "scheduled",
    }
    return render(request, "what_moves.html", context)


@page(read=Who.READER)
def fields(request: HttpRequest, place: Place) -> HttpResponse:
    settings = steps(place.organization).settings
    context = {"kinds": field_map(settings), "matching": matching_words(settings.users)} if settings else {}
    return render(request, "field_map.html", context)


urlpatterns = [
    path("what-moves/", what_moves, name="what_moves"),
    path("field-map/", fields, name="field_map"),
]
