"""Data Prep as CSV: everybody out, decisions back in. What comes in is shown before it is saved."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rollbook.actions.accounts import account_by
from rollbook.actions.matching import decide_matches
from rollbook.actions.matching_files import COLUMNS, NEEDED, STATES, people_rows, read_decisions
from rollbook.core.protocols import LEAVE, LINK, Decision
from rollbook.errors import BlobLost, ConfigError
from rollbook.store.blobs import open_blobs
from rollbook.store.both_systems import newest_look
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.csv import csv_answer
from rollbook.web.csv_in import read_csv
from rollbook.web.error_words import error_said
from rollbook.web.said import said

_SALT: Final = "data prep decisions"
#: A preview can be confirmed for so long (seconds).
_VALID: Final = 3600
_SHOWN: Final = 50


@page(read=Who.READER)
def export(request: HttpRequest, place: Place) -> HttpResponseBase:
    look = newest_look(place.organization)
    state = request.GET.get("show")
    if look is None or not look.people_blob:
        messages.error(request, _("There is no list yet: look at both systems first."))
        return redirect("data_prep", place.organization.slug)
    try:
        rows = people_rows(open_blobs(opened()), place.organization, look, state if state in STATES else None)
    except BlobLost as error:
        messages.error(request, error_said(error))
        return redirect("data_prep", place.organization.slug)
    name = f"data-prep-{place.organization.slug}.csv"
    return csv_answer(name, COLUMNS, rows)


@page(write=Who.ACTING)
def bring(request: HttpRequest, place: Place) -> HttpResponse:
    """A file: shown with what it would change. With `confirmed` (a preview that we signed): saved."""
    if request.POST.get("confirmed"):
        return _save(request, place)
    try:
        lines = read_csv(request.FILES.get("file"), NEEDED)
        found = read_decisions(open_blobs(opened()), place.organization, lines, newest_look(place.organization))
    except (ConfigError, BlobLost) as error:
        messages.error(request, error_said(error))
        return redirect("data_prep", place.organization.slug)
    chosen = list(found.decisions.values())
    context = {
        "links": found.number_of(LINK),
        "left": found.number_of(LEAVE),
        "problems": [(line, said(words)) for line, words in found.problems[:_SHOWN]],
        "more_problems": max(0, len(found.problems) - _SHOWN),
        "decisions": [(found.lines[one.key], one) for one in chosen[:_SHOWN]],
        "left_out": max(0, len(chosen) - _SHOWN),
        "confirmed": signing.dumps(_plain(place, chosen), salt=_SALT, compress=True) if chosen else "",
    }
    return render(request, "data_prep/preview.html", context)


def _save(request: HttpRequest, place: Place) -> HttpResponse:
    try:
        signed = signing.loads(request.POST["confirmed"], salt=_SALT, max_age=_VALID)
        if signed["org"] != place.organization.slug or signed["who"] != place.account.pk:
            raise signing.BadSignature
    except (signing.BadSignature, KeyError, TypeError):
        messages.error(request, _("This preview is too old. Choose the file again."))
        return redirect("data_prep", place.organization.slug)
    decisions = [Decision(key, choice, tuple(lms_ids)) for key, choice, lms_ids in signed["decisions"]]
    try:
        number = decide_matches(org=place.organization.slug, by=account_by(place.account), decisions=decisions)
    except ConfigError as error:
        messages.error(request, error_said(error))
    else:
        words = ngettext("%(n)s decision is saved.", "%(n)s decisions are saved.", number) % {"n": number}
        messages.success(request, words + " " + _("The next sync of Users goes by it."))
    return redirect("data_prep", place.organization.slug)


def _plain(place: Place, decisions: list[Decision]) -> dict[str, Any]:
    rows = [[one.key, one.choice, list(one.lms_ids)] for one in decisions]
    return {"org": place.organization.slug, "who": place.account.pk, "decisions": rows}


urlpatterns = [
    path("data-prep/people.csv", export, name="data_prep_csv"),
    path("data-prep/decisions/", bring, name="data_prep_import"),
]
