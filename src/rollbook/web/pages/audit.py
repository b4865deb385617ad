"""Audit: who changed what, when. Filters are kept in the session: a person's name stands in no address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path

from rollbook.store.models import AuditRow
from rollbook.web.access import Place, Who, page
from rollbook.web.acts import ACTS, act_words
from rollbook.web.audit_words import changes_of, details_words, settings_number
from rollbook.web.csv import csv_answer

_AT_ONCE: Final = 100
_FILTER: Final = "audit_filter"
_LONGEST: Final = 200
_COLUMNS: Final = ("at", "by", "act", "subject", "details")


@page(read=Who.READER, write=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    """A page of rows, newest first; POST keeps filters."""
    slug = place.organization.slug
    if request.method == "POST":
        clear = "clear" in request.POST
        wanted = {
            name: "" if clear else request.POST.get(name, "").replace("\0", "").strip()[:_LONGEST]
            for name in ("by", "action")
        }
        request.session[_FILTER] = {**_kept(request), slug: wanted}
        return redirect("audit", slug)
    wanted = _wanted(request, slug)
    before = request.GET.get("before", "")
    every = _rows(slug, wanted)
    if before.isascii() and before.isdigit() and len(before) < 19:
        every = every.filter(pk__lt=int(before))
    rows = list(every[: _AT_ONCE + 1])
    context = {
        "rows": [_row(one) for one in rows[:_AT_ONCE]],
        "acts": sorted(((name, str(words)) for name, words in ACTS.items()), key=lambda one: one[1]),
        "wanted": wanted,
        "filtered": any(wanted.values()),
        "older": rows[_AT_ONCE - 1].pk if len(rows) > _AT_ONCE else 0,
        "is_first": not before,
    }
    return render(request, "audit.html", context)


def _row(one: AuditRow) -> dict[str, Any]:
    return {
        "row": one,
        "words": act_words(one.action),
        "details": details_words(one),
        "version": settings_number(one),
    }


@page(read=Who.READER)
def settings(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    """Which settings a version changed, from what to what."""
    found = changes_of(place.organization, number)
    if found is None:
        raise Http404
    version, changes, more = found
    context = {"version": version, "changes": changes, "more": more}
    return render(request, "audit_settings.html", context)


@page(read=Who.READER)
def download(request: HttpRequest, place: Place) -> HttpResponseBase:
    """The rows of the kept filters as CSV, newest first; times in the organization's zone."""
    slug, zone = place.organization.slug, ZoneInfo(place.organization.timezone)
    return csv_answer(f"audit-{slug}.csv", _COLUMNS, _cells(slug, _wanted(request, slug), zone))


def _cells(slug: str, wanted: dict[str, str], zone: ZoneInfo) -> Iterator[tuple[Any, ...]]:
    for one in _rows(slug, wanted).iterator(chunk_size=1000):
        yield one.at.astimezone(zone).isoformat(timespec="seconds"), one.by, one.action, one.subject, one.details


def _rows(slug: str, wanted: dict[str, str]) -> Any:
    """Newest first by number, which needs no sorting."""
    every = AuditRow.objects.filter(organization=slug).order_by("-pk")
    if wanted["by"]:
        every = every.filter(by__icontains=wanted["by"])
    return every.filter(action=wanted["action"]) if wanted["action"] else every


def _kept(request: HttpRequest) -> dict[str, Any]:
    found = request.session.get(_FILTER)
    return found if isinstance(found, dict) else {}


def _wanted(request: HttpRequest, slug: str) -> dict[str, str]:
    found = _kept(request).get(slug) or {}
    return {name: str(found.get(name, "")) for name in ("by", "action")}


urlpatterns = [
    path("audit/", show, name="audit"),
    path("audit/csv/", download, name="audit_download"),
    path("audit/settings/<int:number>/", settings, name="audit_settings"),
]
