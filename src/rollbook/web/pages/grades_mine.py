"""The sections of the person who is signed in: where teachers begin."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.teachers import ask_about, asked_about
from rollbook.engine.course_admins import look_for_admins
from rollbook.errors import RollbookError
from rollbook.store.grade_words import NOT_YET, QUEUED, queued_sections
from rollbook.store.models import GradeSection
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.ended import load_anew
from rollbook.web.error_words import error_said
from rollbook.web.grade_words import SECTION_STANDS
from rollbook.web.runs_shown import names_of
from rollbook.web.taught import find_section, sections_of_person
from rollbook.web.teacher_permission import may_lead_to_the_lms, permission_words


@page(read=Who.MEMBER)
def mine(request: HttpRequest, place: Place) -> HttpResponse:
    """My sections; `?section=` is the section switch of the other pages."""
    sections = sections_of_person(place.organization, place.unique_id)
    asked = request.GET.get("section", "")
    if asked and any(one.code == asked for one in sections):
        return redirect("grades_items", place.organization.slug, asked)
    looked = ask_about(place.organization, place.unique_id)
    rows = {
        row.code: row
        for row in GradeSection.objects.filter(organization=place.organization, code__in=[one.code for one in sections])
    }
    queued = queued_sections(place.organization.pk)
    names = names_of(place)
    lines = []
    for one in sections:
        row = rows.get(one.code)
        status = QUEUED if queued is None or one.code in queued else (row.status if row else "") or NOT_YET
        lines.append(
            {
                "section": one,
                "school": names.get(one.school or "", ""),
                "stand": SECTION_STANDS[status],
                "counts": row.counts if row else {},
                "synced_at": row.synced_at if row else None,
            }
        )
    lost = bool(asked) and not looked.under_way
    context = {
        "lines": lines,
        "bound": bool(place.unique_id),
        "looked": looked,
        "lost": lost,
        **permission_words(place),
    }
    return may_lead_to_the_lms(render(request, "grades/mine.html", context), context)


@page(read=Who.MEMBER)
def mine_now(request: HttpRequest, place: Place) -> HttpResponse:
    """The part of the page that says that the LMS is being asked; the page is loaded anew when it has answered."""
    looked = asked_about(place.organization, place.unique_id)
    answer = render(request, "grades/mine_now.html", {"looked": looked})
    if not looked.under_way:
        load_anew(answer)
    return answer


@page(write=Who.MEMBER)
def find(request: HttpRequest, place: Place) -> HttpResponse:
    """Asks the LMS about a section in which somebody was made a course admin by hand. Whoever is none there learns
    nothing of the section."""
    code = request.POST.get("code", "").strip()
    refusal = _("There is no such section, or you are not a course admin of it in the LMS.")
    section = find_section(place.organization, code) if code and "\0" not in code and place.unique_id else None
    if section is not None:
        try:
            if place.unique_id in look_for_admins(opened(), place.organization, section):
                return redirect("grades_items", place.organization.slug, section.code)
        except RollbookError as error:
            refusal = _("The LMS could not be asked: %(why)s") % {"why": error_said(error)}
    messages.error(request, refusal)
    return redirect("grades_mine", place.organization.slug)


urlpatterns = [
    path("grades/mine/", mine, name="grades_mine"),
    path("grades/mine/now/", mine_now, name="grades_mine_now"),
    path("grades/mine/find/", find, name="grades_find"),
]
