"""Column names of every version and of the wild, mapped to ours. Pure: sees a header line, never a record.

OneRoster CSV binding 1.0, 1.1.1 and 1.2.1, tables of data files. Header names are case-sensitive there; real exports
are not, and misspell them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from rollbook.roster.oneroster import COLLECTIONS

#: Names of 1.0 and of exports that mix the versions, by collection, squeezed (see `_squeeze`).
ALIASES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "orgs": {"orgname": "name", "orgtype": "type", "parentorgsourcedid": "parentSourcedId"},
        "academicSessions": {"sessiontype": "type", "parentacademicsessionsourcedid": "parentSourcedId"},
        "courses": {
            "schoolyearid": "schoolYearSourcedId",
            "grade": "grades",
            "subject": "subjects",
            "subjectcode": "subjectCodes",
        },
        "classes": {
            "grade": "grades",
            "termsourcedid": "termSourcedIds",
            "terms": "termSourcedIds",
            "subject": "subjects",
            "subjectcode": "subjectCodes",
            "period": "periods",
        },
        "users": {
            "orgsourcedid": "orgSourcedIds",
            "userid": "userIds",
            "agents": "agentSourcedIds",
            "agentsourcedid": "agentSourcedIds",
            "grade": "grades",
            "firstname": "givenName",
            "lastname": "familyName",
            "preferredfirstname": "preferredGivenName",
            "preferredlastname": "preferredFamilyName",
        },
        "roles": {"usersourceid": "userSourcedId"},
        "enrollments": {"startdate": "beginDate"},
    }
)
#: Columns of the binding that Rollbook does not read: contact data and passwords among them.
UNUSED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "users": frozenset({"sms", "phone", "password", "preferredmiddlename", "pronouns", "resourcesourcedids"}),
        "roles": frozenset({"userprofilesourcedid"}),
    }
)
#: Columns that the binding demands and Rollbook can do without (not in 1.0 where marked).
_SPEC: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "academicSessions": ("schoolYear",),
        "courses": ("orgSourcedId",),
        "classes": ("classType", "termSourcedIds"),
        "users": ("enabledUser", "username"),
        "roles": ("roleType",),
        "enrollments": ("schoolSourcedId",),
    }
)
_NOT_IN_1_0: Final = frozenset({"schoolYear", "enabledUser"})
_DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Header:
    """A header line understood. `skip` lines stand before it. `columns` maps our names to places; `names` are the
    file's names, made unique and never empty. `dirty`: the names had to be changed for DuckDB."""

    names: tuple[str, ...]
    columns: Mapping[str, int]
    delimiter: str = ","
    skip: int = 0
    unknown: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    misspelt: tuple[tuple[str, str], ...] = ()
    dirty: bool = False

    def page_columns(self) -> dict[str, str]:
        """Our column names to the file's."""
        return {ours: self.names[place] for ours, place in self.columns.items()}


def read_header(collection: str, text: str) -> Header | None:
    """The header in the beginning of a file; None when no line there looks like one. Blank lines and Excel's `sep=;`
    line before it are skipped."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    skip = 0
    while skip < len(lines) and (not lines[skip].strip(" \t,;") or lines[skip].lower().startswith("sep=")):
        skip += 1
    if skip == len(lines):
        return None
    found = [_understand(collection, _cells(lines[skip], delimiter), delimiter, skip) for delimiter in _DELIMITERS]
    best = max(found, key=lambda header: len(header.columns))
    return best if "sourcedId" in best.columns or len(best.columns) > 2 else None


def missing(collection: str, header: Header, *, users_have_roles: bool, version: str) -> tuple[list[str], list[str]]:
    """Columns that are not there: those Rollbook needs, and those that only the binding demands."""
    needed = list(COLLECTIONS[collection].required)
    if collection == "users" and users_have_roles:
        needed += ["role", "orgSourcedIds"]
    spec = [name for name in _SPEC.get(collection, ()) if version != "1.0" or name not in _NOT_IN_1_0]
    return [name for name in needed if name not in header.columns], [
        name for name in spec if name not in header.columns
    ]


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _squeeze(name: str) -> str:
    """Lower case, letters and digits only: "Sourced ID", "sourced_id" and "sourcedId" are one."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _understand(collection: str, cells: Sequence[str], delimiter: str, skip: int) -> Header:
    own = {_squeeze(name): name for name in COLLECTIONS[collection].columns}
    aliases, unused = ALIASES.get(collection, {}), UNUSED.get(collection, frozenset())
    columns: dict[str, int] = {}
    left: list[int] = []
    for place, cell in enumerate(cells):  # exact names first, so that an alias never takes their place
        name = own.get(_squeeze(cell))
        if name is not None and name not in columns:
            columns[name] = place
        else:
            left.append(place)
    unknown: list[str] = []
    doubled: list[str] = []
    misspelt: list[tuple[str, str]] = []
    for place in left:
        cell, squeezed = cells[place].strip(), _squeeze(cells[place])
        alias = aliases.get(squeezed)
        if squeezed in own or alias in columns:
            doubled.append(cell)
        elif alias is not None:
            columns[alias] = place
        elif squeezed in unused or cell.lower().startswith("metadata.") or not squeezed:
            continue
        elif guess := _guess(squeezed, [key for key, name in own.items() if name not in columns], unused):
            columns[own[guess]] = place
            misspelt.append((cell, own[guess]))
        else:
            unknown.append(cell)
    names = _unique(cells)
    return Header(
        names, columns, delimiter, skip, tuple(unknown), tuple(doubled), tuple(misspelt), names != tuple(cells)
    )


def _guess(squeezed: str, free: Sequence[str], unused: frozenset[str]) -> str | None:
    """The one column that a misspelt name must mean: long enough and nearly the same."""
    if len(squeezed) < 7:
        return None
    close = get_close_matches(squeezed, [*free, *unused], n=1, cutoff=0.88)
    return close[0] if close and close[0] in free else None


def _unique(cells: Sequence[str]) -> tuple[str, ...]:
    """Names as DuckDB needs them: none empty, no two alike whatever their case."""
    names: list[str] = []
    seen: set[str] = set()
    for place, cell in enumerate(cells):
        name = cell if cell.strip() and cell.lower() not in seen else f"{cell.strip() or 'column'}#{place + 1}"
        seen.add(name.lower())
        names.append(name)
    return tuple(names)
