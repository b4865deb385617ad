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
from rollbook.actions.rollover import is_for_beforehand, newest_preview, request_preview, save_year
from rollbook.actions.settings import SavedSettings
from rollbook.engine.directory import look
from rollbook.errors import BlobLost, RollbookError
from rollbook.store.ledger_years import counts_by_year
from rollbook.store.models import Run
from rollbook.store.plan_counts import plan_counts
from rollbook.store.runs import stored_plan
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.connection_tests import TURNS
from rollbook.web.error_words import error_said
from rollbook.web.hold_cards import card
from rollbook.web.pages.configuration import back
from rollbook.web.pages.plan import working_runs
from rollbook.web.plan_words import SEVERAL, STATE_WORDS
from rollbook.web.plans import blobs, missing_steps, names_of, sums, under_way
from rollbook.web.saving import saved_in_words, seen_of
from rollbook.web.steps import Steps, steps
from rollbook.web.years import Years, known_years, mapped_terms, year_words

CARD = "year"


@page(read=Who.ACTING, write=Who.ACTING)
def confirm(request: HttpRequest, place: Place) -> HttpResponse:
    """What another year would mean; sent from there, it is saved."""
    found = steps(place.organization)
    asked = _asked(request, place, found)
    if isinstance(asked, HttpResponse):
        return asked
    year, years = asked
    if request.method == "POST":
        return _save(request, place, year)
    assert found.settings is not None
    terms = years.terms(year)
    context = {
        "number": found.number,
        "year": year,
        "words": year_words(year),
        "before": year_words(found.settings.active_year or ""),
        "terms": len(terms),
        "mapped": mapped_terms(found.settings, terms),
        "sleeping": _sleeping(place, year),
        "missing": missing_steps(found, to_send=False),
        **_expected(place, year, found.number),
    }
    return render(request, "configuration_year.html", context)


@page(read=Who.ACTING, write=Who.ACTING)
def preview(request: HttpRequest, place: Place) -> HttpResponse:
    """Have it worked out what the next plan of that year would do."""
    found = steps(place.organization)
    asked = _asked(request, place, found)
    if isinstance(asked, HttpResponse):
        return asked
    year, _years = asked
    if request.method == "POST" and not missing_steps(found, to_send=False):
        again = request.POST.get("again") == "yes"
        if again or newest_preview(place.organization, year, found.number) is None:
            request_preview(org=place.organization.slug, by=account_by(place.account), year=year)
    return _page_of(place, year)


@page(read=Who.READER, write=Who.ACTING)
def read_years(request: HttpRequest, place: Place) -> HttpResponse:
    """Ask the SIS for its years, with the saved connection."""
    if request.method == "POST" and steps(place.organization).settings is not None:
        if TURNS.take(place.organization.pk):
            messages.warning(request, _("The SIS was asked several times just now. Wait a minute, then try again."))
            return back(place, CARD)
        try:
            look(opened(), place.organization, "sis", by=account_by(place.account))
            messages.success(request, _("The years were read from the SIS."))
        except RollbookError as error:
            messages.error(request, _("The SIS could not be read: %s") % error_said(error))
    return back(place, CARD)


def _asked(request: HttpRequest, place: Place, found: Steps) -> tuple[str, Years] | HttpResponse:
    """The year that was chosen, of the list; else back to the card, with words."""
    if found.settings is None:
        return back(place, CARD)
    year = (request.POST if request.method == "POST" else request.GET).get("year", "")
    years = known_years(place.organization, found.settings, timezone.localdate())
    if year not in years.choices:
        messages.error(request, _("Choose a year from the list."))
        return back(place, CARD)
    if year == found.settings.active_year and not (request.method == "POST" and "seen" in request.POST):
        messages.info(request, _("%s is the Active Year already.") % year_words(year))
        return back(place, CARD)
    return year, years


def _expected(place: Place, year: str, number: int) -> dict[str, Any]:
    """What the newest preview of the year has found out; nothing while there is none."""
    run = newest_preview(place.organization, year, number)
    if run is None:
        return {}
    if not run.ended:
        return {"run": run, "runs": working_runs(under_way(place))}
    plan, names = stored_plan(run), names_of(place)
    found: dict[str, Any] = {"run": run, "state": STATE_WORDS[run.state]}
    if plan is None:
        return found
    try:
        found["totals"] = sums(plan_counts(plan, blobs(), run.pk), names, by_school=False)
    except BlobLost as error:
        return found | {"lost": error_said(error)}
    return found | _holds(run, names)


def _holds(run: Run, names: dict[str, str]) -> dict[str, Any]:
    """What would be held: what can be approved beforehand, and what is decided when it comes."""
    found: dict[str, Any] = {"beforehand": [], "later": []}
    for row in run.holds.select_related("run"):
        found["beforehand" if is_for_beforehand(row) else "later"].append(card(row, names))
    return found


def _sleeping(place: Place, year: str) -> list[dict[str, Any]]:
    """By kind: how many of other years are in the LMS through Rollbook, and how many of this one wake."""
    try:
        counts = counts_by_year(place.organization.pk, blobs())
    except BlobLost:
        return []
    return [
        {"several": SEVERAL[kind], "sleep": sum(by.values()) - by.get(year, 0), "wake": by.get(year, 0)}
        for kind, by in counts.items()
    ]


def _save(request: HttpRequest, place: Place, year: str) -> HttpResponse:
    approve = request.POST.getlist("approve")

    def save() -> SavedSettings:
        return save_year(
            org=place.organization.slug,
            by=account_by(place.account),
            year=year,
            seen=seen_of(request),
            preview=request.POST.get("preview", ""),
            approve=approve,
        )

    wrong = saved_in_words(request, save)
    if wrong:
        messages.error(request, wrong)
        return _page_of(place, year)
    if approve:
        messages.success(request, _("What you ticked is approved for the first sync of %s.") % year_words(year))
    return back(place, CARD)


def _page_of(place: Place, year: str) -> HttpResponse:
    return redirect(f"{reverse('configuration_year', args=[place.organization.slug])}?{urlencode({'year': year})}")


urlpatterns = [
    path("configuration/year/", confirm, name="configuration_year"),
    path("configuration/year/preview/", preview, name="configuration_year_preview"),
    path("configuration/year/read/", read_years, name="configuration_read_years"),
]
