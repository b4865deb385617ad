"""The lists of SIS and LMS on the pages that map them: what is known, how old it is, and reading them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.connectors.registry import connector
from rollbook.engine.directory import connection_digest, known, look
from rollbook.errors import RollbookError
from rollbook.roster.settings import Settings
from rollbook.store.models import Organization
from rollbook.store.setup import opened
from rollbook.web.access import Place
from rollbook.web.error_words import error_said


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One list. `is_other`: it was read before the connection was changed, so it may be that of another system."""

    rows: list[dict[str, Any]]
    read_at: datetime | None
    is_other: bool


def listed(organization: Organization, settings: Settings, name: str, *, with_rows: bool = True) -> Listed:
    """A list as it was last read, e.g. `sis.orgs`; without rows only when that was."""
    found = known(organization, name, with_rows=with_rows)
    connection = settings.sis if name.startswith("sis.") else settings.lms
    is_other = found.read_at is not None and found.digest != connection_digest(connection)
    return Listed(rows=found.rows, read_at=found.read_at, is_other=is_other)


def lms_title(settings: Settings) -> str:
    """What people call the LMS of an organization."""
    return connector(settings.lms.connector).title


def lms_has(settings: Settings | None, kind: str) -> bool:
    """Does the LMS of an organization have things of this kind, such as `grading_period`?"""
    return settings is None or kind not in connector(settings.lms.connector).lacks


def lms_notes(settings: Settings | None, *kinds: str) -> list[str]:
    """What these kinds are in the LMS of an organization, where it calls them otherwise."""
    notes = connector(settings.lms.connector).notes if settings is not None else {}
    return [_(notes[kind]) for kind in kinds if kind in notes]


def read_both(request: HttpRequest, place: Place) -> None:
    """Read the lists of both sides and tell the person how it went; trouble with one side keeps its older lists."""
    for side, name in (("sis", _("The SIS")), ("lms", _("The LMS"))):
        try:
            look(opened(), place.organization, side, by=account_by(place.account))
        except RollbookError as error:
            words = _("%(side)s could not be read: %(error)s")
            messages.error(request, words % {"side": name, "error": error_said(error)})
        else:
            messages.success(request, _("%(side)s was read.") % {"side": name})
