"""Pages to read: what moves, and where each field comes from."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from rollbook.web.access import Place, Who, page


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return render(request, "stub.html")


urlpatterns = [path("what-moves/", show, name="what_moves"), path("field-map/", show, name="field_map")]
