"""Who came from a course of the LMS. In that session a person is a teacher of one organization and nothing else,
whatever their account may do there or elsewhere (rule 31)."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from rollbook.store.models import Account, LaunchPlatform, Organization


@dataclass(frozen=True, kw_only=True)
class Launched:
    """`unique_id` is who the person is in the SIS."""

    account: Account
    organization: Organization
    platform: LaunchPlatform
    unique_id: str


def launched_of(request: HttpRequest) -> Launched | None:
    """The launched session of a request for a teacher's page; None everywhere else."""
    found = vars(request).get("launched")
    return found if isinstance(found, Launched) else None
