"""The sections of the active year that Rollbook gave, and those that a person teaches there (rule 31). Reads only."""

from __future__ import annotations

from rollbook.errors import BlobLost
from rollbook.store.blobs import open_blobs
from rollbook.store.given_sections import GivenSection, given_sections
from rollbook.store.models import Organization
from rollbook.store.newest_settings import newest_settings
from rollbook.store.setup import opened
from rollbook.store.teachers import taught_sections, teaches, was_shown


def active_year(organization: Organization) -> str | None:
    newest = newest_settings(organization.pk)
    return newest[1].active_year if newest is not None else None


def find_section(organization: Organization, code: str) -> GivenSection | None:
    """One section; None when Rollbook did not give it, or the file that knows is lost."""
    try:
        found = given_sections(organization.pk, open_blobs(opened()), active_year(organization), [code])
    except BlobLost:
        return None
    return found[0] if found else None


def is_taught(organization: Organization, person: str, section: GivenSection) -> bool:
    """Is the person with this unique id a course admin there, as far as is known?"""
    try:
        return teaches(organization.pk, open_blobs(opened()), person, section)
    except BlobLost:
        return False


def was_taught(organization: Organization, person: str, section: GivenSection) -> bool:
    """Was the person with this unique id known as a course admin there, so that it is time to ask again?"""
    return was_shown(organization.pk, person, section.code)


def sections_of_person(organization: Organization, person: str) -> list[GivenSection]:
    """By title; none where the files that know are lost."""
    try:
        return taught_sections(organization.pk, open_blobs(opened()), person, active_year(organization))
    except BlobLost:
        return []
