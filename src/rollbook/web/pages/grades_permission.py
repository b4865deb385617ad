"""A teacher lets Rollbook read their gradebooks with their rights, or takes that back: for themselves only. And for
administrators, who was not asked yet."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.permissions import Asked, Asking, find_request, keep_request, new_state, take_permission_back
from rollbook.engine.permissions import begin_consent, where_teachers_agree
from rollbook.errors import RollbookError
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.permission_given import session_of, take_what_was_given
from rollbook.web.taught import find_section, is_taught
from rollbook.web.teacher_permission import back_here, who_is_to_be_asked


@page(write=Who.MEMBER)
def allow(request: HttpRequest, place: Place) -> HttpResponse:
    """Sends the person to the LMS's page on which they agree. Somebody who came from a course is in a frame, in which
    the LMS does not let itself be shown: they open that page in another window."""
    code = _section(place, request.POST.get("section", ""))
    if not where_teachers_agree(place.organization):
        messages.info(request, _("Your permission is not needed: gradebooks are read without it."))
        return _back(place, code)
    if not place.unique_id:
        messages.error(request, _("Nobody has said yet who you are in the SIS. Ask your system administrator."))
        return _back(place, code)
    state, ring = new_state(), KeyRing(opened().keys)
    asking = Asking(
        organization=place.organization,
        account=place.account,
        session=session_of(request),
        section=code,
        apart=place.launched,
    )
    try:
        token, there = begin_consent(opened(), place.organization, back_here(request, state))
        keep_request(asking=asking, state=state, token=token, page=there, ring=ring)
    except RollbookError as error:
        messages.error(request, _("The LMS could not be asked: %(why)s") % {"why": error_said(error)})
        return _back(place, code)
    return _apart(request, state, there) if place.launched else redirect(there)


@page(write=Who.MEMBER)
def finish(request: HttpRequest, place: Place) -> HttpResponse:
    """Goes on where the person agreed in another window."""
    state = request.POST.get("state", "")
    asked = find_request(state, KeyRing(opened().keys))
    if asked is None or not _is_of(asked, place) or not asked.row.apart or not asked.began_in(session_of(request)):
        messages.warning(request, _("This was answered already, or is too old. You can ask again."))
        return _back(place, "")
    if asked.row.answered_at is None:
        return _apart(request, state, asked.page, early=True)
    take_what_was_given(request, asked)
    return _back(place, asked.row.section)


@page(write=Who.MEMBER)
def take_back(request: HttpRequest, place: Place) -> HttpResponse:
    """Deletes what the person gave."""
    code = _section(place, request.POST.get("section", ""))
    if take_permission_back(organization=place.organization, account=place.account):
        words = _(
            "Rollbook has deleted your permission and reads your gradebooks no more. In the LMS you can remove "
            "Rollbook from your apps as well."
        )
        messages.success(request, words)
    else:
        messages.info(request, _("There was no permission of yours."))
    return _back(place, code)


@page(read=Who.READER)
def waiting(request: HttpRequest, place: Place) -> HttpResponse:
    """Teachers of sections that nobody has allowed yet, those with most first."""
    return render(request, "grades/to_ask.html", who_is_to_be_asked(place.organization, request.GET))


def _apart(request: HttpRequest, state: str, there: str, *, early: bool = False) -> HttpResponse:
    return render(request, "grades/apart.html", {"state": state, "there": there, "early": early})


def _is_of(asked: Asked, place: Place) -> bool:
    member = asked.row.membership
    return (member.account_id, member.organization_id) == (place.account.pk, place.organization.pk)


def _section(place: Place, code: str) -> str:
    """The section that a form names, if the person teaches it; "" else."""
    section = find_section(place.organization, code) if code and "\0" not in code else None
    return code if section is not None and is_taught(place.organization, place.unique_id, section) else ""


def _back(place: Place, code: str) -> HttpResponse:
    slug = place.organization.slug
    return redirect("grades_items", slug, code) if code else redirect("grades_mine", slug)


urlpatterns = [
    path("grades/permission/", allow, name="grades_allow"),
    path("grades/permission/finish/", finish, name="grades_allow_finish"),
    path("grades/permission/back/", take_back, name="grades_allow_back"),
    path("grades/permissions/", waiting, name="grades_permissions"),
]
