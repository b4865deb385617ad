"""Status of one section: its syncs, and what went wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from rollbook.web.access import Place, Who, page
from rollbook.web.grade_history import history
from rollbook.web.grade_items import head, section_row_of
from rollbook.web.teacher_permission import may_lead_to_the_lms


@page(read=Who.SECTION_READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    row = section_row_of(place)
    context = head(place, row, "status") | history(place, row)
    return may_lead_to_the_lms(render(request, "grades/status.html", context), context)


urlpatterns = [path("grades/status/<path:section>/", show, name="grades_status")]
