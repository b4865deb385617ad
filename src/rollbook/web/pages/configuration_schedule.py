"""Scheduling Options of Configuration: saved, or tried out before saving."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.schedule import show_schedule
from rollbook.errors import ConfigError
from rollbook.web.access import Place, Who, page
from rollbook.web.configuration_page import WRONG, Typed, render_configuration
from rollbook.web.pages.configuration import back
from rollbook.web.saving import save_settings
from rollbook.web.schedule_form import GradeScheduleForm, ScheduleForms, preview
from rollbook.web.steps import steps

CARD, GRADES = "schedule", "grade-schedule"


@page(read=Who.READER, write=Who.ACTING)
def save(request: HttpRequest, place: Place) -> HttpResponse:
    """Save Sync Options."""
    settings = steps(place.organization).settings
    if request.method != "POST" or settings is None:
        return back(place, CARD)
    forms = ScheduleForms(settings, request.POST)
    if not forms.is_valid():
        return render_configuration(request, place, typed=Typed(schedule=forms), status=WRONG)

    def change(document: dict[str, Any]) -> None:
        document["schedule"] = forms.document

    wrong = save_settings(request, place, what="save schedule", change=change)
    if wrong:
        forms.form.add_error(None, wrong)
        return render_configuration(request, place, typed=Typed(schedule=forms), status=WRONG)
    return back(place, CARD)


@page(read=Who.READER, write=Who.ACTING)
def save_grades(request: HttpRequest, place: Place) -> HttpResponse:
    """Save when grades go back by the clock."""
    settings = steps(place.organization).settings
    if request.method != "POST" or settings is None:
        return back(place, GRADES)
    form = GradeScheduleForm(settings, request.POST)
    if not form.is_valid():
        return render_configuration(request, place, typed=Typed(grade_schedule=form), status=WRONG)

    def change(document: dict[str, Any]) -> None:
        document["grades"]["schedule"] = form.document

    wrong = save_settings(request, place, what="save grade schedule", change=change)
    if wrong:
        form.add_error(None, wrong)
        return render_configuration(request, place, typed=Typed(grade_schedule=form), status=WRONG)
    return back(place, GRADES)


@page(read=Who.READER, write=Who.ACTING)
def show_preview(request: HttpRequest, place: Place) -> HttpResponse:
    """What the schedule in the form would mean. Saves nothing."""
    settings = steps(place.organization).settings
    if request.method != "POST" or settings is None:
        return back(place, CARD)
    forms = ScheduleForms(settings, request.POST)
    words = _("Correct the fields first, then look again.")
    if forms.is_valid():
        try:
            words = preview(show_schedule(org=place.organization.slug), settings, forms.document)
        except ConfigError as error:
            words = str(error)
    if request.headers.get("HX-Request"):
        return render(request, "configuration/preview.html", {"preview": words})
    status = 200 if forms.is_valid() else WRONG
    return render_configuration(request, place, typed=Typed(schedule=forms, preview=words), status=status)


urlpatterns = [
    path("configuration/schedule/", save, name="configuration_schedule"),
    path("configuration/schedule/grades/", save_grades, name="configuration_grade_schedule"),
    path("configuration/schedule/preview/", show_preview, name="configuration_schedule_preview"),
]
