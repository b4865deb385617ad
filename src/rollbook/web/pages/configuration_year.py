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

from rollbook.web.access import Place, Who, page
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


def _save(request: HttpRequest, place: Place, year: str) -> HttpResponse:
    def change(document: dict[str, Any]) -> None:
        document["active_year"] = year

    wrong = save_settings(request, place, what="save active year", change=change)
    if wrong:
        messages.error(request, wrong)
        again = reverse("configuration_year", args=[place.organization.slug])
        return redirect(f"{again}?{urlencode({'year': year})}")
    return back(place, CARD)


urlpatterns = [path("configuration/year/", confirm, name="configuration_year")]
