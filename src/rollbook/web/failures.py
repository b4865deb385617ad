"""Pages for what went wrong: nothing typed is lost, and nothing personal is told."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is from an earlier session or another site."""
    return render(request, "stale_form.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "not_found.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    return render(request, "broken.html", status=500)
