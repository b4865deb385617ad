"""Who the course admins that an LMS names are in the SIS. Where people may change their unique id there, the ledger
says whose an account is, and nothing else does (decision 39)."""

from __future__ import annotations

from collections.abc import Sequence

from rollbook.connectors.registry import connector
from rollbook.core.protocols import Blobs
from rollbook.roster.grades import Member
from rollbook.roster.settings import Settings
from rollbook.store.account_ids import AccountIds


def proven(settings: Settings) -> bool:
    """Does the unique id of an account in this LMS say whose it is?"""
    return not connector(settings.lms.connector).users_by_id


def people_of(members: Sequence[Member], organization: int, settings: Settings, blobs: Blobs) -> frozenset[str]:
    """Unique ids of those whose accounts these are. Raises BlobLost."""
    if proven(settings):
        return frozenset(each.unique_id for each in members if each.unique_id)
    owners = {lms_id: person for person, lms_id in AccountIds(organization, blobs)(members).items()}
    return frozenset(owners[each.user] for each in members if each.user in owners)
