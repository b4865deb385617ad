"""How far an organization's set-up is, from left to right (rule 4). Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.utils.translation import gettext_lazy

from rollbook.connectors.kit.options import describe
from rollbook.connectors.registry import connector
from rollbook.roster.settings import Connection, Settings
from rollbook.store.models import FactRow, Organization, Secret
from rollbook.store.newest_settings import newest_settings

#: The fact that Data Prep was looked at ("looked") or knowingly skipped ("skipped").
DATA_PREP: Final = "data_prep"
#: What the tabs call the steps, by the URL names of their pages.
STEP_WORDS: Final = {
    "select_sis": gettext_lazy("Select SIS"),
    "configuration": gettext_lazy("Configuration"),
    "schools": gettext_lazy("Schools"),
    "terms": gettext_lazy("Terms"),
    "data_prep": gettext_lazy("Data Prep"),
}


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What is done. `settings` and `number` (of the saved version, 0: none) are what the pages work with."""

    settings: Settings | None
    number: int
    sis_chosen: bool = False
    sis: bool = False
    lms: bool = False
    schools: bool = False
    terms: bool = False
    data_prep: bool = False

    @property
    def configuration(self) -> bool:
        return self.sis and self.lms

    @property
    def ready(self) -> bool:
        """May Users, Courses and Sections be synced?"""
        return self.configuration and self.schools and self.terms and self.data_prep

    @property
    def mapped(self) -> bool:
        """May roles be mapped? Whom a look at both systems finds depends on them, so Data Prep comes after that."""
        return self.configuration and self.schools and self.terms

    def missing(self) -> list[str]:
        """URL names of the pages that are still to be done, in their order."""
        done = (
            ("select_sis", self.sis_chosen),
            ("configuration", self.configuration),
            ("schools", self.schools),
            ("terms", self.terms),
            ("data_prep", self.data_prep),
        )
        return [name for name, is_done in done if not is_done]


def steps(organization: Organization) -> Steps:
    newest = newest_settings(organization.pk)
    if newest is None:
        return Steps(settings=None, number=0)
    version, settings = newest
    places = set(Secret.objects.filter(organization=organization).values_list("place", flat=True))
    return Steps(
        settings=settings,
        number=version.number,
        sis_chosen=True,
        sis=_complete(settings.sis, "sis", places),
        lms=_complete(settings.lms, "lms", places),
        schools=bool(settings.schools),
        terms=bool(settings.terms),
        data_prep=FactRow.objects.filter(organization=organization, name=DATA_PREP).exists(),
    )


def _complete(connection: Connection, side: str, places: set[str]) -> bool:
    """Does it have every option that its connector needs?"""
    needed = _needed(connection.connector)
    return all(name in connection.options or f"{side}.{name}" in places for name in needed)


@lru_cache(maxsize=64)
def _needed(name: str) -> tuple[str, ...]:
    """Options that a connector cannot do without."""
    return tuple(one.name for one in describe(connector(name).options) if one.required)
