"""The LMSs to choose from: connectors that write to one, but for those that are there to practise with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rollbook.connectors.base import Connector
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.roster.settings import Connection, Settings
from rollbook.store.models import Organization
from rollbook.store.provisioned import was_provisioned

#: That of an organization for which nobody has chosen yet: the vendor's guide knows no other.
FIRST_LMS: Final = "schoology"


@dataclass(frozen=True, kw_only=True)
class LmsChoice:
    """What the page offers: (name, title) pairs, the one that is chosen, and whether that is for good."""

    every: tuple[tuple[str, str], ...]
    chosen: str
    locked: bool


def every_lms() -> list[Connector]:
    """By title."""
    found = [connector(name) for name in CONNECTORS]
    return sorted((one for one in found if one.target and not one.practice), key=lambda one: one.title.casefold())


def find_lms(name: str) -> Connector | None:
    return next((one for one in every_lms() if one.name == name), None)


def has_app_center(settings: Settings | None) -> bool:
    """May the organization's LMS have Schoology's App Center? Others that are on the list have none."""
    return settings is None or settings.lms.connector not in {one.name for one in every_lms()} - {FIRST_LMS}


def lms_choice(organization: Organization, connection: Connection) -> LmsChoice:
    """One that came with a settings file and is not on the list is offered as well: it is what is chosen."""
    every = [(one.name, one.title) for one in every_lms()]
    if connection.connector not in dict(every):
        every.append((connection.connector, connector(connection.connector).title))
    return LmsChoice(every=tuple(every), chosen=connection.connector, locked=was_provisioned(organization.pk))
