"""What a key is shown of the records, when it is shown less than it was: whole answers that hold too little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollbook.practice.sis.model import KINDS, Kind, Row
from rollbook.practice.sis.store import Store

#: Where a record of a kind names its school.
_SCHOOL = {"classes": "school", "courses": "org", "enrollments": "school"}


def narrowed(store: Store, kind: Kind, rows: list[Row], struck: Mapping[str, Any]) -> list[Row]:
    """The rows that are shown; totals and links will agree with them."""
    if "school_hidden" in struck:
        hidden = _last_schools(store, struck["school_hidden"]["schools"])
        rows = [row for row in rows if not _belongs(kind, row, hidden)]
    if "shrunk" in struck:
        rows = rows[: len(rows) * struck["shrunk"]["percent"] // 100]
    return [] if "empty" in struck else rows


def _last_schools(store: Store, number: int) -> set[str]:
    """The last ones of the list of orgs."""
    at = KINDS["orgs"].at["type"]
    schools = [row[0] for row in store.all("orgs") if row[at] == "school"]
    return set(schools[len(schools) - min(number, len(schools)) :])


def _belongs(kind: Kind, row: Row, schools: set[str]) -> bool:
    """Is this one of the schools, or theirs alone?"""
    if kind.plural == "orgs":
        return row[0] in schools
    if kind.plural == "users":
        orgs = {role.org for role in row[kind.at["roles"]] or ()}
        return bool(orgs) and orgs <= schools
    return kind.plural in _SCHOOL and row[kind.at[_SCHOOL[kind.plural]]] in schools
