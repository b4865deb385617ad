"""Grade Settings: the grading periods of the LMS, and which of them Rollbook made or terms are mapped to."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.engine.directory import known, look
from rollbook.errors import BlobLost, RollbookError
from rollbook.roster.settings import Settings
from rollbook.store.blobs import open_blobs
from rollbook.store.models import Organization
from rollbook.store.periods_given import PeriodGiven, periods_given
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.lists import lms_has, lms_title
from rollbook.web.steps import steps

_PER_PAGE: Final = 100


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    found = known(place.organization, "lms.grading_period")
    done = steps(place.organization)
    rows = _rows(found.rows, _given(place.organization), _mapped(done.settings))
    last = max(1, -(-len(rows) // _PER_PAGE))
    number = min(_number(request.GET.get("page")), last)
    context = {
        "periods": rows[(number - 1) * _PER_PAGE : number * _PER_PAGE],
        "total": len(rows),
        "page": number,
        "last": last,
        "read_at": found.read_at,
        "can_read": done.lms,
        "has_periods": lms_has(done.settings, "grading_period"),
        "lms_title": lms_title(done.settings) if done.settings else "",
    }
    return render(request, "grade_settings.html", context)


@page(write=Who.ACTING)
def read_again(request: HttpRequest, place: Place) -> HttpResponse:
    try:
        look(opened(), place.organization, "lms", by=account_by(place.account))
    except RollbookError as error:
        messages.error(request, _("The LMS could not be read: %(why)s") % {"why": error_said(error)})
    else:
        messages.success(request, _("The grading periods were read again."))
    return redirect("grade_settings", place.organization.slug)


def _rows(periods: list[dict[str, Any]], given: dict[str, PeriodGiven], mapped: frozenset[str]) -> list[dict[str, Any]]:
    """The newest first, each with how Rollbook knows it: made, mapped, or not at all."""
    rows = []
    for one in sorted(periods, key=lambda row: (row["start"], row["title"]), reverse=True):
        ours = given.get(one["id"])
        if ours is not None:
            how = "made" if ours.made else "mapped"
        else:
            how = "mapped" if {f"id:{one['id']}", f"title:{one['title']}"} & mapped else ""
        rows.append(one | {"how": how})
    return rows


def _given(organization: Organization) -> dict[str, PeriodGiven]:
    try:
        return periods_given(organization.pk, open_blobs(opened()))
    except BlobLost:
        return {}


def _mapped(settings: Settings | None) -> frozenset[str]:
    """What terms are mapped to, as it stands in the settings."""
    found: set[str] = set()
    for sessions in settings.terms.values() if settings else ():
        for value in sessions.values():
            found.update([value] if isinstance(value, str) else value)
    return frozenset(found)


def _number(text: str | None) -> int:
    return max(1, int(text)) if text and text.isascii() and text.isdecimal() and len(text) < 8 else 1


urlpatterns = [
    path("grade-settings/", show, name="grade_settings"),
    path("grade-settings/read/", read_again, name="grade_settings_read"),
]
