"""All sections that Rollbook gave, with how their grades stand: one page, what needs help comes first. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict

from rollbook.store.grade_words import queued_sections
from rollbook.store.ledger import current_version
from rollbook.store.models import GradeSection, Organization, SectionLine
from rollbook.store.section_lines import lines_are_of
from rollbook.store.section_list import MOST_FOUND, SectionList, Wanted
from rollbook.web.grade_words import SECTION_STANDS
from rollbook.web.paging import Piece, kept_query, piece
from rollbook.web.taught import active_year

A_PAGE: Final = 50


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of sections, and how many there are by state. `cut`: more were found than are gone through. `late`: the
    last sync changed the list, and it is not in step yet."""

    page: Piece[dict[str, Any]]
    total: int
    states: Counter[str]
    query: Mapping[str, str]
    cut: int
    late: bool


def sections_page(organization: Organization, names: Mapping[str, str], given: QueryDict) -> Found:
    """The page that the address asks for: `state` (one of RANKS or HELP), `school`, `find` and `page`."""
    query = {name: text.replace("\0", "") for name, text in kept_query(given, ("state", "school", "find")).items()}
    every = SectionList(organization.pk, active_year(organization), queued_sections(organization.pk))
    wanted = Wanted(**query)
    number, keys = every.numbered(wanted)
    place = piece(range(number), {**query, "page": given.get("page", "")}, A_PAGE)
    lines = every.lines(wanted, keys, max(0, place.first - 1), A_PAGE) if number else ()
    rows = GradeSection.objects.filter(organization=organization, code__in=[one.code for one in lines])
    known = {row.code: row for row in rows.defer("categories", "seen")}
    page = Piece(
        rows=[_line(one, every.state(one), known.get(one.code), names) for one in lines],
        number=place.number, first=place.first, last=place.last, of=place.of, before=place.before, after=place.after,
    )  # fmt: skip
    return Found(
        page=page,
        total=every.states.total(),
        states=every.states,
        query=query,
        cut=MOST_FOUND if keys is not None and number >= MOST_FOUND else 0,
        late=lines_are_of(organization.pk) != (current_version(organization.pk).files.get("section") or ""),
    )


def _line(section: SectionLine, state: str, row: GradeSection | None, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "section": section,
        "school": names.get(section.school, section.school),
        "stand": SECTION_STANDS[state],
        "counts": row.counts if row else {},
        "trouble": row.trouble if row else "",
        "synced_at": row.synced_at if row else None,
        "seen_at": row.seen_at if row else None,
    }
