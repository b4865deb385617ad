"""Which schools are mapped and what they are called: the lists with tick boxes of Users, Courses and Sections."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from rollbook.engine.directory import known
from rollbook.errors import BlobLost
from rollbook.roster.settings import ANY, SKIP, Settings, school_value
from rollbook.store.blobs import open_blobs
from rollbook.store.models import Organization
from rollbook.store.school_names import school_names
from rollbook.store.setup import opened

#: Schools on one page of a list.
PAGE: Final = 25


@dataclass(frozen=True)
class School:
    """A mapped school; `id` is the org's sourcedId."""

    id: str
    name: str


@dataclass(frozen=True)
class Shown:
    """One page of the schools, numbered from 1, of `pages`; `total` schools are mapped in all."""

    schools: Sequence[School]
    number: int
    pages: int
    total: int

    @property
    def whole(self) -> bool:
        """Are all mapped schools on this page?"""
        return self.pages == 1


def mapped_schools(organization: Organization, settings: Settings) -> list[School]:
    """All mapped schools by name. The wildcard covers schools only, not districts (rule 12); before the SIS's list was
    ever read, the schools that are mapped by name, and those that were synced."""
    names: dict[str, str] = {}
    with suppress(BlobLost):  # the pages that need the file itself say so
        names = school_names(organization.pk, open_blobs(opened()))
    orgs = known(organization, "sis.orgs").rows
    kinds = {str(org["id"]): org.get("type") for org in orgs}
    ids = set(kinds) or set(names)
    ids |= {org for org in settings.schools if org != ANY and (not kinds or org in kinds)}
    chosen = [org for org in ids if _mapped(settings, org, kinds.get(org))]
    return sorted((School(org, names.get(org, org)) for org in chosen), key=lambda one: (one.name.casefold(), one.id))


def page_of(schools: Sequence[School], number: int, text: str = "") -> Shown:
    """The page with this number, the nearest one if there is none; of schools whose name or id has `text` in it."""
    wanted = text.strip().casefold()
    found = [one for one in schools if wanted in one.name.casefold() or wanted in one.id.casefold()]
    pages = max(1, -(-len(found) // PAGE))
    number = min(max(number, 1), pages)
    return Shown(found[(number - 1) * PAGE : number * PAGE], number, pages, len(schools))


def _mapped(settings: Settings, org: str, kind: str | None) -> bool:
    if org not in settings.schools and kind not in ("school", None, ""):
        return False
    return school_value(settings, org) != SKIP
