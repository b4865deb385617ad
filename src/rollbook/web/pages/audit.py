"""Audit: who changed what, when."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from rollbook.web.access import Place, Who, page


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return render(request, "stub.html")


urlpatterns = [path("audit/", show, name="audit")]
