"""Grades of one section, for its teachers and for administrators: every item with how it stands, syncing them, and what
teachers choose about items."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.grade_pages import decide_conflicts, request_section
from rollbook.actions.grades import GradesWanted, decide_items
from rollbook.actions.holds import HoldsMoved
from rollbook.actions.pins import lift_pins
from rollbook.actions.teachers import ask_about
from rollbook.errors import ConfigError
from rollbook.passback.grade_types import KEEP, OPT_IN, OPT_OUT, REMOVE
from rollbook.store.models import GradeItem, Run
from rollbook.web.access import Place, Who, page
from rollbook.web.ended import load_anew
from rollbook.web.error_words import error_said
from rollbook.web.grade_changes import changes_of_item
from rollbook.web.grade_items import A_PAGE, head, items_of, now_of, pins_of, section_of, section_row_of
from rollbook.web.paging import piece
from rollbook.web.still_teaches import still_teaches
from rollbook.web.teacher_permission import may_lead_to_the_lms

LOOK, CHANGES, EVERYTHING = "look", "changes", "all"
SEND, LEAVE = "send", "leave"
_CHOICES: Final = {"out": OPT_OUT, "in": OPT_IN, "keep": KEEP, "remove": REMOVE, "none": ""}


@page(read=Who.SECTION_READER)
def items(request: HttpRequest, place: Place) -> HttpResponse:
    """Every item of the section. Until its category map is done, that comes first. Here teachers begin, so the LMS is
    asked in the background what they teach now."""
    if place.teaches:
        ask_about(place.organization, place.unique_id)
    row = section_row_of(place)
    context = head(place, row, "items")
    if row is None or context["map_open"]:
        return redirect("grades_map", place.organization.slug, section_of(place).code)
    lines = items_of(row, context["now"])
    context["page"] = piece(lines, {"page": request.GET.get("page", "")}, A_PAGE)
    context["ready"] = sum(bool(one["item"].send) for one in lines)
    return may_lead_to_the_lms(render(request, "grades/items.html", context), context)


@page(read=Who.SECTION_READER)
def item(request: HttpRequest, place: Place) -> HttpResponse:
    """What the last run sent of one item, or would send, student by student."""
    row = section_row_of(place)
    asked = request.GET.get("item", "")
    found = row.items.filter(item=asked).first() if row is not None and "\0" not in asked else None
    if row is None or found is None:
        raise Http404
    context = head(place, row, "items")
    context["line"] = next(one for one in items_of(row, context["now"]) if one["item"] == found)
    answer = render(request, "grades/item.html", context | changes_of_item(place, row, found))
    return may_lead_to_the_lms(answer, context)


@page(read=Who.SECTION_READER)
def now(request: HttpRequest, place: Place) -> HttpResponse:
    """The part of a page that says what is under way. When a run that it knew has ended, the page is loaded anew; with
    `typing`, where somebody may be choosing, it only says so."""
    found, typing = now_of(place), request.GET.get("typing") == "1"
    known = set(filter(None, request.GET.get("seen", "").split(",")))
    has_ended = bool(known - {one["run"].pk for one in found})
    context = {"now": found, "section": section_of(place), "typing": typing, "has_ended": has_ended and typing}
    answer = render(request, "grades/now.html", context)
    if has_ended and not typing:
        load_anew(answer)
    return answer


@page(write=Who.SECTION_ACTOR)
def sync(request: HttpRequest, place: Place) -> HttpResponse:
    """Asks for a run: a look, what changed, everything, or one item (`item:<id>`)."""
    do = request.POST.get("do", "")
    if do.startswith("choose:"):
        return _choose(request, place, do)
    one = do.removeprefix("item:") if do.startswith("item:") else ""
    if do not in (LOOK, CHANGES, EVERYTHING) and not one:
        return _back(place, request)
    if one and not _items(place).filter(item=one).exists():
        raise Http404
    if not still_teaches(request, place):
        return _back(place, request)
    wanted = GradesWanted(dry_run=do == LOOK, items=[one] if one else (), retry_refused=do == EVERYTHING or bool(one))
    try:
        run, new = request_section(
            org=place.organization.slug, section=section_of(place).code, wanted=wanted, by=account_by(place.account)
        )
    except ConfigError as error:
        messages.error(request, error_said(error))
    else:
        messages.info(request, _run_words(run, new=new))
    return _back(place, request)


def _choose(request: HttpRequest, place: Place, do: str) -> HttpResponse:
    """`choose:<choice>:<item>`: opts an item out or in, or says what becomes of one that the LMS has no more."""
    name, _sign, one = do.removeprefix("choose:").partition(":")
    if name not in _CHOICES or not _items(place).filter(item=one).exists():
        raise Http404
    if not still_teaches(request, place):
        return _back(place, request)
    decide_items(
        org=place.organization.slug,
        section=section_of(place).code,
        chosen={one: _CHOICES[name]},
        by=account_by(place.account),
    )
    done = {
        "out": _("The item is opted out: nothing more of it is sent. What was sent stays in the SIS."),
        "in": _("The item is opted in: the next sync sends it."),
        "keep": _("The SIS keeps the item and its grades."),
        "remove": _("The next sync takes the item and its grades from the SIS."),
        "none": _("The choice is taken back."),
    }
    messages.success(request, done[name])
    return _back(place, request)


@page(write=Who.SECTION_ACTOR)
def decide(request: HttpRequest, place: Place) -> HttpResponse:
    """The section's teachers decide about what somebody changed in the SIS: send the LMS's, or leave it (rule 32)."""
    do = request.POST.get("do", "")
    if do not in (SEND, LEAVE):
        raise Http404
    if not still_teaches(request, place):
        return _back(place, request)
    try:
        decide_conflicts(
            org=place.organization.slug,
            section=section_of(place).code,
            seen=request.POST.get("seen", ""),
            send=do == SEND,
            by=account_by(place.account),
        )
    except HoldsMoved:
        messages.warning(request, _("What waits has changed meanwhile. Look again, and decide then."))
    except ConfigError as error:
        messages.error(request, error_said(error))
    else:
        sent = _("A sync is queued that sends what the LMS says.")
        left = _("The SIS keeps what it has. You are asked again only when it changes.")
        messages.success(request, sent if do == SEND else left)
    return _back(place, request)


@page(write=Who.SECTION_ACTOR)
def lift(request: HttpRequest, place: Place) -> HttpResponse:
    """Ends the pins of the section: the next sync sends what the LMS says. The Acting User undoes, and lifts."""
    pins, reason = pins_of(place), request.POST.get("reason", "").strip()[:500]
    if not place.is_acting:
        messages.error(request, _("Only the Acting User lifts pins."))
    elif not reason:
        messages.error(request, _("Say why; it is kept with the pins."))
    else:
        slug, by = place.organization.slug, account_by(place.account)
        try:
            lift_pins(org=slug, by=by, reason=reason, pins=pins.get("ids", ()))
        except ConfigError:
            messages.warning(request, _("Nothing was lifted: these pins have ended meanwhile."))
        else:
            messages.success(request, _("The pins are lifted. The next sync of grades sends what the LMS says."))
    return _back(place, request)


def _run_words(run: Run, *, new: bool) -> str:
    if not new:
        return _("This is under way already, so it runs once.")
    if run.blackout:
        return _("Today is a blackout day (%(words)s), so this run only plans; nothing is sent.") % {
            "words": run.blackout
        }
    if run.dry_run:
        return _("Rollbook looks into both gradebooks. Nothing is sent.")
    return _("The sync is queued.")


def _items(place: Place) -> Any:
    return GradeItem.objects.filter(section__organization=place.organization, section__code=section_of(place).code)


def _back(place: Place, request: HttpRequest) -> HttpResponse:
    """Where the form was: the list, the page of an item, or the map."""
    name = request.POST.get("back", "")
    where = name if name in ("grades_item", "grades_map", "grades_status") else "grades_items"
    address = reverse(where, args=[place.organization.slug, section_of(place).code])
    one = request.POST.get("item", "")
    query = urlencode({"item": one}) if where == "grades_item" and one else ""
    return redirect(f"{address}?{query}" if query else address)


urlpatterns = [
    path("grades/items/<path:section>/", items, name="grades_items"),
    path("grades/item/<path:section>/", item, name="grades_item"),
    path("grades/now/<path:section>/", now, name="grades_now"),
    path("grades/conflicts/<path:section>/", decide, name="grades_conflicts"),
    path("grades/lift/<path:section>/", lift, name="grades_lift"),
    path("grades/sync/<path:section>/", sync, name="grades_sync"),
]
