"""Organizations: for the operator of the installation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from rollbook.web.access import Who, page


@page(read=Who.OPERATOR)
def show(request: HttpRequest) -> HttpResponse:
    return render(request, "stub.html")


urlpatterns = [path("organizations/", show, name="organizations")]
