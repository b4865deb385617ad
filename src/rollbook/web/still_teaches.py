"""Before a teacher starts or chooses anything, the LMS is asked whether they are a course admin still (rule 31)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rollbook.engine.course_admins import look_for_admins
from rollbook.errors import RollbookError
from rollbook.store.given_sections import GivenSection
from rollbook.store.setup import opened
from rollbook.web.access import Place
from rollbook.web.error_words import error_said
from rollbook.web.grade_items import section_of


def still_teaches(request: HttpRequest, place: Place, section: GivenSection | None = None) -> bool:
    """Is somebody who acts as a teacher still a course admin there, or in another `section`? The LMS is asked (rule
    31)."""
    if place.is_acting:
        return True
    try:
        people = look_for_admins(opened(), place.organization, section or section_of(place))
    except RollbookError as error:
        words = _("The LMS could not say whether you are a course admin of this section, so nothing was done: %(why)s")
        messages.error(request, words % {"why": error_said(error)})
        return False
    if place.unique_id not in people:
        messages.error(request, _("You are not a course admin of this section in the LMS any more."))
        return False
    return True
