"""Users, Courses and Sections: tick schools, look, sync."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from rollbook.web.access import Place, Who, page


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return render(request, "stub.html")


urlpatterns = [
    path("users/", show, name="users"),
    path("courses/", show, name="courses"),
    path("sections/", show, name="sections"),
]
