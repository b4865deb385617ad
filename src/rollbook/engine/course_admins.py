"""Asks the LMS who the course admins of a section are now (rule 31): a few requests, while somebody waits."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from django.db import transaction

from rollbook.actions.organizations import current_settings
from rollbook.engine.directory import Deadline, impatient
from rollbook.engine.whose import people_of
from rollbook.engine.world import Doors
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.given_sections import GivenSection
from rollbook.store.grade_states import keep_admins
from rollbook.store.grades import section_row
from rollbook.store.models import Organization
from rollbook.store.scratch import looking_scratch
from rollbook.store.secrets import KeyRing, secrets_of

#: Somebody waits in front of a page (seconds).
DEADLINE_S: Final = 15.0


def look_for_admins(folder: DataFolder, organization: Organization, section: GivenSection) -> frozenset[str]:
    """Unique ids of the section's course admins, those added by hand included; they are remembered. Raises
    RollbookError where the LMS does not say, and then remembers nothing."""
    _, settings = current_settings(organization)
    secrets = secrets_of(organization.pk, KeyRing(folder.keys))
    with looking_scratch(folder) as work:
        doors = Doors(impatient(settings, "lms"), secrets, work, Deadline(DEADLINE_S))
        with closing(doors.grade_source()) as source:
            admins = source.course_admins(section.code, section.lms_id)
        found = people_of(admins, organization.pk, settings, open_blobs(folder, work))
    with transaction.atomic():
        keep_admins(section_row(organization.pk, section.code), found)
    return found
