"""SIS Connect Active Year of Configuration: saved apart, after a page that says what will happen (rule 3)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.engine.directory import look
from rollbook.errors import RollbookError
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.connection_tests import TURNS
from rollbook.web.pages.configuration import back
from rollbook.web.saving import save_settings
from rollbook.web.steps import steps
from rollbook.web.years import known_years, mapped_terms, year_words

CARD = "year"


@page(read=Who.ACTING, write=Who.ACTING)
def confirm(request: HttpRequest, place: Place) -> HttpResponse:
    """What another year would mean; sent from there, it is saved."""
    found = steps(place.organization)
    if found.settings is None:
        return back(place, CARD)
    settings = found.settings
    year = (request.POST if request.method == "POST" else request.GET).get("year", "")
    years = known_years(place.organization, settings, timezone.localdate())
    if year not in years.choices:
        messages.error(request, _("Choose a year from the list."))
        return back(place, CARD)
    if request.method == "POST":
        return _save(request, place, year)
    if year == settings.active_year:
        messages.info(request, _("%s is the Active Year already.") % year_words(year))
        return back(place, CARD)
    terms = years.terms(year)
    context = {
        "number": found.number,
        "year": year,
        "words": year_words(year),
        "before": year_words(settings.active_year or ""),
        "terms": len(terms),
        "mapped": mapped_terms(settings, terms),
    }
    return render(request, "configuration_year.html", context)


@page(read=Who.READER, write=Who.ACTING)
def read_years(request: HttpRequest, place: Place) -> HttpResponse:
    """Ask the SIS for its years, with the saved connection."""
    if request.method == "POST" and steps(place.organization).settings is not None:
        if not TURNS.take(place.organization.pk):
            messages.warning(request, _("The SIS was asked several times just now. Wait a minute, then try again."))
            return back(place, CARD)
        try:
            look(opened(), place.organization, "sis", by=account_by(place.account))
            messages.success(request, _("The years were read from the SIS."))
        except RollbookError as error:
            messages.error(request, _("The SIS could not be read: %s.") % str(error).rstrip("."))
    return back(place, CARD)


def _save(request: HttpRequest, place: Place, year: str) -> HttpResponse:
    def change(document: dict[str, Any]) -> None:
        document["active_year"] = year

    wrong = save_settings(request, place, what="save active year", change=change)
    if wrong:
        messages.error(request, wrong)
        again = reverse("configuration_year", args=[place.organization.slug])
        return redirect(f"{again}?{urlencode({'year': year})}")
    return back(place, CARD)


urlpatterns = [
    path("configuration/year/", confirm, name="configuration_year"),
    path("configuration/year/read/", read_years, name="configuration_read_years"),
]
