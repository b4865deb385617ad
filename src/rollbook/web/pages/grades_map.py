"""Configuration of one section: to which SIS category the items of each LMS category go. Shown first until done."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rollbook.actions.accounts import account_by
from rollbook.actions.grade_pages import copy_map, map_digest, request_section, save_map
from rollbook.actions.grades import GradesWanted, carry_categories
from rollbook.actions.organizations import current_settings
from rollbook.actions.settings_edit import ChangedMeanwhile
from rollbook.errors import ConfigError
from rollbook.passback.grade_types import NEW, SKIP
from rollbook.store.given_sections import GivenSection
from rollbook.store.models import GradeSection
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.grade_items import head, map_is_open, map_lines, section_of, section_row_of
from rollbook.web.still_teaches import still_teaches
from rollbook.web.taught import sections_of_person
from rollbook.web.teacher_permission import may_lead_to_the_lms

#: What forms say instead of a SIS category's id.
UNDECIDED, NOT_SENT = "?", "-"
_FIELD: Final = "to-"


@page(read=Who.SECTION_READER, write=Who.SECTION_ACTOR)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    """The map; a POST saves it, and looks what would be sent as soon as it is complete."""
    if request.method != "POST":
        return _page(request, place)
    typed = {name.removeprefix(_FIELD): str(value) for name, value in request.POST.items() if name.startswith(_FIELD)}
    if not still_teaches(request, place):
        return _page(request, place, typed=typed)
    chosen = {one: None if to == UNDECIDED else SKIP if to == NOT_SENT else to for one, to in typed.items()}
    try:
        row = save_map(
            org=place.organization.slug,
            section=section_of(place).code,
            chosen=chosen,
            seen=request.POST.get("seen", ""),
            by=account_by(place.account),
        )
    except ChangedMeanwhile:
        words = _(
            "Somebody else saved this map since you opened the page, or the categories were read again. Look at what "
            "you chose, and save again."
        )
        return _page(request, place, typed=typed, refused=words)
    except ConfigError as error:
        return _page(request, place, typed=typed, refused=error_said(error))
    row.refresh_from_db()
    if map_is_open(row):
        messages.warning(
            request, _("Saved. Some categories with items are still undecided; nothing is sent until then.")
        )
        return _here(place)
    messages.success(request, _("Saved. Rollbook looks now what would be sent; nothing is sent yet."))
    _look(place)
    return redirect("grades_items", place.organization.slug, section_of(place).code)


@page(write=Who.SECTION_ACTOR)
def fill(request: HttpRequest, place: Place) -> HttpResponse:
    """Fills the gaps of this map from the person's other sections, or an administrator's from all, by titles."""
    if not still_teaches(request, place):
        return _here(place)
    slug, code, by = place.organization.slug, section_of(place).code, account_by(place.account)
    before = section_row_of(place)
    had = len(before.categories) if before is not None else 0
    sources = [None] if place.is_acting else [one.code for one in _others(place)]
    now = had
    for source in sources:
        try:
            now = len(carry_categories(org=slug, section=code, by=by, source=source).categories)
        except ConfigError:
            continue  # that one was never looked at
    if now > had:
        number = now - had
        words = ngettext("%(number)d category was filled in.", "%(number)d categories were filled in.", number)
        messages.success(request, words % {"number": number})
    else:
        messages.info(request, _("No other section has a category of the same title that is decided."))
    return _here(place)


@page(write=Who.SECTION_ACTOR)
def copy(request: HttpRequest, place: Place) -> HttpResponse:
    """Fills the gaps of chosen other sections of this person's from this map."""
    every = {one.code: one for one in _others(place)}
    mine = {code: one.title for code, one in every.items()}
    chosen = [code for code in dict.fromkeys(request.POST.getlist("to")) if code in mine]
    if not chosen:
        messages.error(request, _("Choose at least one of your sections."))
        return _here(place)
    if not all(still_teaches(request, place, section) for section in (None, *(every[code] for code in chosen))):
        return _here(place)
    read = GradeSection.objects.filter(organization=place.organization, code__in=chosen, seen_at__isnull=False)
    known = set(read.values_list("code", flat=True))
    by = account_by(place.account)
    try:
        filled = copy_map(org=place.organization.slug, section=section_of(place).code, to=sorted(known), by=by)
    except ConfigError as error:
        messages.error(request, error_said(error))
        return _here(place)
    for code in chosen:
        if code not in known:
            messages.warning(request, _("%(title)s was not read yet: open it once, then copy.") % {"title": mine[code]})
        elif filled[code]:
            messages.success(request, _("The map was copied to %(title)s.") % {"title": mine[code]})
        else:
            messages.info(request, _("In %(title)s there was nothing to fill in.") % {"title": mine[code]})
    return _here(place)


def _others(place: Place) -> list[GivenSection]:
    found = sections_of_person(place.organization, place.unique_id) if place.unique_id else []
    return [one for one in found if one.code != section_of(place).code]


def _look(place: Place) -> None:
    request_section(
        org=place.organization.slug,
        section=section_of(place).code,
        wanted=GradesWanted(dry_run=True),
        by=account_by(place.account),
    )


def _here(place: Place) -> HttpResponse:
    return redirect("grades_map", place.organization.slug, section_of(place).code)


def _page(
    request: HttpRequest, place: Place, *, typed: dict[str, str] | None = None, refused: str = ""
) -> HttpResponse:
    row = section_row_of(place)
    context = head(place, row, "map") | {"refused": refused, "digest": map_digest(row)}
    if row is not None and row.seen.get("lms"):
        _version, settings = current_settings(place.organization)
        targets = [(each["id"], each["title"] or each["id"]) for each in row.seen["sis"]]
        special = [(UNDECIDED, _("Choose …")), (NOT_SENT, _("Do not send"))]
        if settings.grades.create_categories:
            special.append((NEW, _("Create a category of this title")))
        context |= {
            "lines": map_lines(row, typed),
            "targets": [*special, *targets],
            "typing": True,
            "others": _others(place) if place.teaches else [],
        }
    return may_lead_to_the_lms(render(request, "grades/map.html", context, status=400 if refused else 200), context)


urlpatterns = [
    path("grades/configuration/<path:section>/", show, name="grades_map"),
    path("grades/fill/<path:section>/", fill, name="grades_fill"),
    path("grades/copy/<path:section>/", copy, name="grades_copy"),
]
