"""Asks the LMS in which sections somebody is a course admin, where their pages want to know: one list of their
sections, and the people of each section that was not looked at lately. Nobody waits for it; what it finds is remembered
with the sections (rule 31)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from rollbook.actions.organizations import current_settings
from rollbook.actions.teachers import ASK_AGAIN, claim_look, note_look
from rollbook.connectors.gradebook import GradeSource
from rollbook.engine.directory import Deadline, impatient
from rollbook.engine.whose import people_of
from rollbook.engine.world import Doors
from rollbook.errors import BadResponse, Bug, RollbookError
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.given_sections import GivenSection, given_sections
from rollbook.store.grade_states import keep_admins
from rollbook.store.grades import section_row
from rollbook.store.launched_from import KnownPerson, person_named
from rollbook.store.models import GradeSection, Organization, SectionAdmin, TeacherLook
from rollbook.store.scratch import looking_scratch
from rollbook.store.secrets import KeyRing, secrets_of
from rollbook.store.teachers import sections_to_ask

#: Unique ids of the course admins of a section, as the LMS says.
AskAdmins = Callable[[GivenSection], frozenset[str]]
log = logging.getLogger(__name__)

#: For one person (seconds).
_DEADLINE_S: Final = 120.0
#: A section whose teachers come from the roster is looked at so often at most, for all of them.
_ROSTER_AGAIN: Final = timedelta(hours=6)


def look_for_teachers(folder: DataFolder) -> int:
    """Ask about everybody who waits, of every organization; how many that were."""
    done = 0
    while (claim := claim_look()) is not None:
        try:
            _look(folder, claim)
        except RollbookError as error:
            if isinstance(error, Bug):
                log.error("looking for sections met an error that nobody foresaw", exc_info=error)
            note_look(claim, failed=True)
        else:
            note_look(claim, failed=False)
        done += 1
    return done


def _look(folder: DataFolder, claim: TeacherLook) -> None:
    """Raises RollbookError where the LMS does not say; what it said until then is kept."""
    organization = claim.organization
    _, settings = current_settings(organization)
    secrets = secrets_of(organization.pk, KeyRing(folder.keys))
    with looking_scratch(folder) as work:
        blobs = open_blobs(folder, work)
        person = person_named(organization.pk, blobs, unique_id=claim.person)
        doors = Doors(impatient(settings, "lms"), secrets, work, Deadline(_DEADLINE_S))
        with closing(doors.grade_source()) as source:
            here = _sections_of(source, person)
            roster, by_hand = sections_to_ask(organization.pk, blobs, claim.person)
            every = sorted(here | roster | by_hand)
            given = given_sections(organization.pk, blobs, settings.active_year, every) if every else []
            known = _looked_at(organization, given)

            def admins(section: GivenSection) -> frozenset[str]:
                found = source.course_admins(section.code, section.lms_id)
                return people_of(found, organization.pk, settings, blobs)

            for section in given:
                long_ago = timezone.now() - (_ROSTER_AGAIN if section.code in roster else ASK_AGAIN)
                if section.code not in here:
                    _look_at(organization, section, admins, without=claim.person)
                elif known.get(section.code, long_ago) <= long_ago:
                    _look_at(organization, section, admins)


def _sections_of(source: GradeSource, person: KnownPerson | None) -> frozenset[str]:
    return source.sections_of(person.unique_id, person.lms_id) if person is not None else frozenset()


def _look_at(organization: Organization, section: GivenSection, admins: AskAdmins, *, without: str = "") -> None:
    """`without`: somebody who is in the section no more. Where the section cannot be read (it may be gone), they lose
    what people gave them by hand, and nothing else is concluded."""
    try:
        found = admins(section)
    except BadResponse:
        if not without:
            raise
        mine = SectionAdmin.objects.filter(section__organization=organization, section__code=section.code)
        mine.filter(person=without).delete()
        return
    with transaction.atomic():
        keep_admins(section_row(organization.pk, section.code), found)


def _looked_at(organization: Organization, given: list[GivenSection]) -> dict[str, datetime]:
    rows = GradeSection.objects.filter(organization=organization, code__in=[one.code for one in given])
    return {code: at for code, at in rows.values_list("code", "admins_at") if at is not None}
