"""Asks the LMS, while somebody waits, for a teacher's permission to read gradebooks; and says whether a connection
needs one. Keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import msgspec

from rollbook.actions.organizations import current_settings
from rollbook.actions.settings_text import connector_of
from rollbook.connectors.base import TEACHERS
from rollbook.connectors.gradebook import Consent, GradeConsent, RequestToken
from rollbook.engine.directory import Deadline, impatient
from rollbook.engine.world import Doors
from rollbook.roster.settings import Settings
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.launched_from import person_named
from rollbook.store.models import Organization
from rollbook.store.newest_settings import newest_settings
from rollbook.store.permissions import StoredTokens, place_of
from rollbook.store.scratch import looking_scratch
from rollbook.store.secrets import KeyRing, secrets_of

#: Somebody waits in front of a page (seconds).
DEADLINE_S: Final = 15.0


def asks_teachers(settings: Settings) -> bool:
    """Are gradebooks of this LMS read by permission of their teachers?"""
    asks = settings.lms.options.get("grades_as") == TEACHERS
    return asks and connector_of(settings.lms, "lms").grade_consent is not None


def where_teachers_agree(organization: Organization) -> str:
    """The address of the LMS's pages, where teachers agree; "" where they are not asked."""
    newest = newest_settings(organization.pk)
    if newest is None or not asks_teachers(newest[1]):
        return ""
    lms = newest[1].lms
    fields = msgspec.structs.fields(connector_of(lms, "lms").options)
    default = next((one.default for one in fields if one.name == "site"), "")
    return str(lms.options.get("site") or default)


def tokens_of(organization: Organization, settings: Settings, ring: KeyRing) -> StoredTokens | None:
    """The permissions with which gradebooks are read; None where they are read without."""
    return StoredTokens(organization, ring, place_of(settings)) if asks_teachers(settings) else None


def begin_consent(folder: DataFolder, organization: Organization, callback: str) -> tuple[RequestToken, str]:
    """A request, and the LMS's page on which somebody agrees. Raises RollbookError."""
    with _consent(folder, organization) as consent:
        return consent.begin(callback)


def finish_consent(folder: DataFolder, organization: Organization, token: RequestToken) -> Consent:
    """What somebody gave. Raises NotAllowed where they did not agree, else RollbookError."""
    with _consent(folder, organization) as consent:
        return consent.finish(token)


def is_of_person(folder: DataFolder, organization: Organization, consent: Consent, person: str) -> bool:
    """Did the person with this unique id give it? Known by the LMS account that Rollbook synced for them, or by the
    unique id that the LMS has of whoever gave it: of the same kind as ours, whatever field of the SIS it is. Raises
    BlobLost."""
    if not person:
        return False
    with looking_scratch(folder) as work:
        blobs = open_blobs(folder, work)
        if person_named(organization.pk, blobs, unique_id=person, lms_id=consent.token.account) is not None:
            return True
    return consent.unique_id == person


@contextmanager
def _consent(folder: DataFolder, organization: Organization) -> Iterator[GradeConsent]:
    _, settings = current_settings(organization)
    secrets = secrets_of(organization.pk, KeyRing(folder.keys))
    with looking_scratch(folder) as work:
        doors = Doors(impatient(settings, "lms"), secrets, work, Deadline(DEADLINE_S))
        with closing(doors.grade_consent()) as consent:
            yield consent
