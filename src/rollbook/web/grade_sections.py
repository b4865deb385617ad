"""All sections that Rollbook gave, with how their grades stand: a page of them, those that need help first. Reads only.

Two lists are read whole, ids and states; everything else is asked for of the shown page alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.http import QueryDict

from rollbook.errors import BlobLost
from rollbook.store.blobs import open_blobs
from rollbook.store.given_sections import GivenSection, given_sections
from rollbook.store.grade_words import NOT_YET, QUEUED, queued_sections
from rollbook.store.ledger import current_version
from rollbook.store.models import GradeSection, Organization
from rollbook.store.setup import opened
from rollbook.web.grade_words import HELPLESS, RANKS, SECTION_STANDS
from rollbook.web.paging import Piece, kept_query, piece
from rollbook.web.taught import active_year

A_PAGE: Final = 50
#: A filter for all that asks for a person.
HELP: Final = "help"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of sections, and how many there are by state; `wanted` are all that the filters let through."""

    page: Piece[dict[str, Any]]
    wanted: list[GivenSection]
    total: int
    states: Counter[str]
    query: Mapping[str, str]


def every_section(organization: Organization) -> tuple[GivenSection, ...]:
    """All sections of the active year, by title. Raises BlobLost."""
    key = current_version(organization.pk).files.get("section")
    return _sections(organization.pk, key, active_year(organization)) if key else ()


@lru_cache(maxsize=2)  # of a large district it takes a hundred megabytes
def _sections(organization: int, key: str, year: str | None) -> tuple[GivenSection, ...]:
    """By title. A ledger's file never changes, so it is read once."""
    found = given_sections(organization, open_blobs(opened()), year)
    return tuple(sorted(found, key=lambda one: (one.title.casefold(), one.code)))


def states_of(organization: Organization) -> dict[str, str]:
    """How sections stand that were ever looked at, by code; what is asked for counts as queued."""
    rows = GradeSection.objects.filter(organization=organization).values_list("code", "status")
    return {code: status or NOT_YET for code, status in rows.iterator()}


def sections_page(organization: Organization, names: Mapping[str, str], given: QueryDict) -> Found:
    """The page that the address asks for: `state` (one of RANKS or HELP), `school`, `find` and `page`."""
    try:
        every = every_section(organization)
    except BlobLost:
        every = ()
    query = kept_query(given, ("state", "school", "find"))
    known, queued = states_of(organization), queued_sections(organization.pk)
    states = {
        one.code: QUEUED if queued is None or one.code in queued else known.get(one.code, NOT_YET) for one in every
    }
    wanted = [one for one in every if _fits(one, states[one.code], query, names)]
    ranks = {state: rank for rank, state in enumerate(RANKS)}
    wanted.sort(key=lambda one: ranks.get(states[one.code], 0))  # which keeps the order of titles
    shown = piece(wanted, {**query, "page": given.get("page", "")}, A_PAGE)
    rows = {
        row.code: row
        for row in GradeSection.objects.filter(organization=organization, code__in=[one.code for one in shown.rows])
    }
    lines = [_line(one, states[one.code], rows.get(one.code), names) for one in shown.rows]
    page = Piece(
        rows=lines, number=shown.number, first=shown.first, last=shown.last, of=shown.of,
        before=shown.before, after=shown.after,
    )  # fmt: skip
    return Found(page=page, wanted=wanted, total=len(every), states=Counter(states.values()), query=query)


def _fits(section: GivenSection, state: str, query: Mapping[str, str], names: Mapping[str, str]) -> bool:
    asked = query.get("state", "")
    if asked and state != asked and not (asked == HELP and state in HELPLESS):
        return False
    if query.get("school") and section.school != query["school"]:
        return False
    text = query.get("find", "").casefold()
    return not text or any(text in one.casefold() for one in (section.title, section.code))


def _line(section: GivenSection, state: str, row: GradeSection | None, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "section": section,
        "school": names.get(section.school or "", section.school or ""),
        "stand": SECTION_STANDS[state],
        "counts": row.counts if row else {},
        "trouble": row.trouble if row else "",
        "synced_at": row.synced_at if row else None,
        "seen_at": row.seen_at if row else None,
    }
