"""Search: one person or section, and why it is as it is. What is typed travels by POST; addresses have ids only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from rollbook.errors import BlobLost
from rollbook.roster.settings import Settings
from rollbook.store.blobs import open_blobs
from rollbook.store.looking import Files, Row, files_of
from rollbook.store.one_record import Record, fill_in, find_person, find_section, schools_of
from rollbook.store.school_names import school_names
from rollbook.store.searching import MOST, find_people, find_sections
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.lists import lms_has
from rollbook.web.search_views import PersonView, SectionView, pair_of, person_view, section_view
from rollbook.web.steps import steps
from rollbook.web.why import why
from rollbook.web.why_words import PERSON, SECTION

#: What the lists of results show.
_COLUMNS: Final = ("key", "id", "lms_id", "first_name", "last_name", "username", "role", "roles", "school", "origin")


def _told_when_lost(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A stored file that is gone is told in words, with who can help."""

    @functools.wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except BlobLost as error:
            return render(request, "search_lost.html", {"error": error, "words": error_said(error)}, status=503)

    return told


@page(read=Who.READER, write=Who.READER)
@_told_when_lost
def search(request: HttpRequest, place: Place) -> HttpResponse:
    """People and sections that fit what was typed."""
    typed = request.POST.get("text", "")
    context: dict[str, Any] = {"text": typed[:200], "most": MOST}
    if request.method == "POST":
        with _files(place, steps(place.organization).settings) as files:
            people, sections = find_people(files, typed), find_sections(files, typed)
            context |= {
                "asked": bool(typed.strip()),
                "people": [_hit(row, PERSON) for row in people],
                "sections": [_hit(row, SECTION) for row in sections],
                "reading": files.newest,
                "whole": _whole(files),
                "names": _names(place),
            }
    return render(request, "search.html", context)


@page(read=Who.READER, write=Who.READER)
@_told_when_lost
def person_of_lms(request: HttpRequest, place: Place, number: str) -> HttpResponse:
    """A person by the LMS's id; POST looks for a section to ask about."""
    return _person(request, place, {"lms_id": number})


@page(read=Who.READER, write=Who.READER)
@_told_when_lost
def person_of_sis(request: HttpRequest, place: Place, number: str) -> HttpResponse:
    """A person by the sourcedId of the SIS."""
    return _person(request, place, {"sis_id": number})


@page(read=Who.READER)
@_told_when_lost
def section(request: HttpRequest, place: Place, number: str) -> HttpResponse:
    """A section by the sourcedId of its class."""
    settings = _settings(place, number)
    with _files(place, settings) as files:
        record = find_section(files, number, request.GET.get("at", ""))
        fill_in(files, settings, place.organization.pk, record)
        _must_be_known(record)
        start = _start(request.GET.get("from"))
        view: SectionView = section_view(files, record, start)
        context = {
            "view": view,
            "record": record,
            "names": _names(place),
            "has_periods": lms_has(settings, "grading_period"),
            "reading": files.newest,
            "whole": _whole(files),
        }
        return render(request, "search_section.html", context)


def _person(request: HttpRequest, place: Place, ids: dict[str, str]) -> HttpResponse:
    settings = _settings(place, *ids.values())
    with _files(place, settings) as files:
        record = find_person(files, settings, **ids)
        fill_in(files, settings, place.organization.pk, record)
        _must_be_known(record)
        view: PersonView = person_view(files, record)
        context: dict[str, Any] = {
            "view": view,
            "record": record,
            "names": _names(place),
            "reading": files.newest,
            "whole": _whole(files),
        }
        if request.method == "POST":
            typed = request.POST.get("text", "")
            context |= {"text": typed[:200], "found": find_sections(files, typed), "asked": bool(typed.strip())}
        elif request.GET.get("section"):
            context |= _answer(files, place, settings, record, request.GET["section"])
        return render(request, "search_person.html", context)


def _answer(files: Files, place: Place, settings: Settings, person: Record, key: str) -> dict[str, Any]:
    if "\0" in key:
        raise Http404
    chosen = find_section(files, key, person.school or "")
    fill_in(files, settings, place.organization.pk, chosen)
    pair = pair_of(files, place.organization.pk, person, chosen, schools_of(person, settings))
    title = next((row["title"] for row in (chosen.given, chosen.left_out) if row and row["title"]), key)
    return {"answer": why(pair), "chosen": chosen, "chosen_title": title, "as_of": pair.reading, "whole": pair.whole}


def _hit(row: Row, reasons: Any) -> Row:
    """A row of the ledger or of what was left out, with the columns of both."""
    reason = row.get("reason")
    return dict.fromkeys(_COLUMNS) | row | {"why_not": reasons[reason][0] if reason in reasons else ""}


def _settings(place: Place, *ids: str) -> Settings:
    """The organization's settings. Raises Http404 without any, and for ids that nothing can have."""
    found = steps(place.organization).settings
    if found is None or any("\0" in one for one in ids):
        raise Http404
    return found


def _must_be_known(record: Record) -> None:
    if not record.known:
        raise Http404


def _names(place: Place) -> dict[str, str]:
    return school_names(place.organization.pk, open_blobs(opened()))


def _files(place: Place, settings: Settings | None) -> Any:
    other_id = settings is not None and settings.users.unique_id != "sourcedId"
    return files_of(place.organization.pk, open_blobs(opened()), other_id=other_id)


def _whole(files: Files) -> Any:
    """When the SIS was last read whole, where only its changes are read since."""
    return files.snapshot.full if files.snapshot is not None else None


def _start(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else 0


urlpatterns = [
    path("search/", search, name="search"),
    path("search/person/lms/<path:number>/", person_of_lms, name="search_person_lms"),
    path("search/person/sis/<path:number>/", person_of_sis, name="search_person_sis"),
    path("search/section/<path:number>/", section, name="search_section"),
]
