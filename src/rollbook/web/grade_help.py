"""Teachers whose sections ask for a person: whom an administrator might call. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.http import QueryDict

from rollbook.core.duck import Connection, parquet_reader
from rollbook.errors import BlobLost
from rollbook.store.blobs import open_blobs
from rollbook.store.grade_words import HELPLESS
from rollbook.store.kept import Kept
from rollbook.store.ledger import current_version
from rollbook.store.looking import Files
from rollbook.store.models import Organization
from rollbook.store.people import people_of
from rollbook.store.section_list import HELP, SectionList, Wanted
from rollbook.store.setup import opened
from rollbook.store.teachers import admins_of_states
from rollbook.web.access import Place
from rollbook.web.error_words import error_said
from rollbook.web.grade_words import SECTION_STANDS
from rollbook.web.paging import piece
from rollbook.web.taught import active_year

A_PAGE: Final = 25
#: Sections that are named of each.
_NAMED: Final = 20
#: Sections that are gone through; more of them ask for a person only where something is wrong with all.
_MOST: Final = 10_000
#: By file of the ledger and unique ids: looking them up goes through the whole file.
_NAMES: Final[Kept[Mapping[str, str]]] = Kept(100)


def who_needs_help(organization: Organization, given: QueryDict) -> dict[str, Any]:
    """The context of the page: teachers with their sections, those with most first."""
    needing = {line.code: line for line in _needing(organization)}
    try:
        admins = admins_of_states(organization.pk, open_blobs(opened()), HELPLESS, sorted(needing))
    except BlobLost as error:
        return {"page": piece([], {}, A_PAGE), "lost": error_said(error)}
    theirs: dict[str, list[str]] = defaultdict(list)
    for code, people in admins.items():
        for person in people:
            theirs[person].append(code)
    ordered = sorted(theirs, key=lambda person: (-len(theirs[person]), person))
    shown = piece(ordered, {"page": given.get("page", "")}, A_PAGE)
    names = person_names(organization.pk, shown.rows)
    lines = [
        {
            "name": names.get(person, person),
            "id": person,
            "number": len(theirs[person]),
            "more": max(0, len(theirs[person]) - _NAMED),
            "sections": [
                {"section": needing[code], "stand": SECTION_STANDS[needing[code].status]}
                for code in sorted(theirs[person], key=lambda one: needing[one].words)[:_NAMED]
            ],
        }
        for person in shown.rows
    ]
    nobody = [needing[code] for code, people in admins.items() if not people]
    return {"page": shown, "lines": lines, "nobody": nobody[:_NAMED], "sections": len(needing)}


def _needing(organization: Organization) -> Iterable[Any]:
    """The sections that ask for a person, of very many the first: named tuples, which are made faster than records."""
    every = SectionList(organization.pk, active_year(organization), ()).lines_of(Wanted(state=HELP))
    return every.values_list("code", "title", "words", "status", named=True)[:_MOST]


def person_names(organization: int, people: Any, school: str | None = None) -> Mapping[str, str]:
    """First and last names by unique id, of those whom the ledger knows. Most of them are of `school`."""
    wanted = tuple(sorted(set(people)))
    if not wanted:
        return {}
    ledger = current_version(organization).files.get("user")
    return _NAMES.get((ledger, wanted), lambda: _names(organization, wanted, school))


def _names(organization: int, wanted: Sequence[str], school: str | None) -> Mapping[str, str]:
    try:
        with parquet_reader() as db:
            found = _found(db, organization, wanted, school)
    except BlobLost:
        return {}
    return {key: f"{first or ''} {last or ''}".strip() or key for key, (first, last) in found.items()}


def _found(
    db: Connection, organization: int, wanted: Sequence[str], school: str | None
) -> Mapping[str, tuple[str | None, str | None]]:
    """People of one school lie together in the ledger; a few of anywhere are found as one is searched for."""
    blobs = open_blobs(opened())
    if school is None and len(wanted) <= A_PAGE:
        people = people_of(db, current_version(organization).files, blobs)
        if people is not None:
            return people.names(wanted)
    files = Files(db, organization, blobs, other_id=False)
    rows = files.by_keys("user", wanted, school, ("key", "first_name", "last_name"))
    return {key: (row["first_name"], row["last_name"]) for key, row in rows.items()}


def school_of(place: Place) -> str | None:
    """The school of the section that a page is about: most of its people are of it."""
    return place.section.school if place.section is not None else None
