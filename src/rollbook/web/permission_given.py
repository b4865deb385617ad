"""The end of a teacher's way to the LMS and back: the permission is fetched, is held against who the teacher is, and
kept; or it is said in plain words why not. Knows no page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rollbook.actions.permissions import Asked, keep_permission, refuse_permission, use_request
from rollbook.connectors.gradebook import Consent
from rollbook.engine.permissions import asks_teachers, finish_consent, is_of_person
from rollbook.errors import NotAllowed, RollbookError
from rollbook.store.newest_settings import newest_settings
from rollbook.store.permissions import place_of
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened
from rollbook.web.error_words import error_said


def session_of(request: HttpRequest) -> str:
    """What names the session of a request; "" where there is none."""
    return request.session.session_key or ""


def say_not_allowed(request: HttpRequest) -> None:
    words = _("Nothing was allowed: the LMS says that you did not agree, or it took too long. You can ask again.")
    messages.warning(request, words)


def take_what_was_given(request: HttpRequest, asked: Asked) -> None:
    """Uses the request up, and says what came of it. Its session was checked."""
    organization = asked.row.membership.organization
    if not use_request(asked):
        messages.warning(request, _("This was answered already."))
        return
    newest = newest_settings(organization.pk)
    if newest is None or not asks_teachers(newest[1]):
        messages.info(request, _("Your permission is not needed any more: gradebooks are read without it now."))
        return
    try:
        consent = finish_consent(opened(), organization, asked.token)
        if not _is_theirs(request, asked, consent):
            return
        keep_permission(asked=asked, consent=consent, place=place_of(newest[1]), ring=KeyRing(opened().keys))
    except NotAllowed:
        say_not_allowed(request)
    except RollbookError as error:
        words = _("The LMS could not be asked, so nothing was kept; ask again: %(why)s")
        messages.error(request, words % {"why": error_said(error)})
    else:
        messages.success(request, _("Thank you. Rollbook may read your gradebooks now."))


def _is_theirs(request: HttpRequest, asked: Asked, consent: Consent) -> bool:
    mine = asked.row.membership
    if is_of_person(opened(), mine.organization, consent, mine.unique_id):
        return True
    refuse_permission(asked)
    words = _(
        "The LMS says that somebody else agreed, not you, so nothing was kept. Sign out of the LMS, sign in there with "
        "your own account, and ask again."
    )
    messages.error(request, words)
    return False
