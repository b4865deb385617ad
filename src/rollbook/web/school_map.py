"""Which school goes into which building: what is saved, what a change of it would do, and what may be proposed. Pure.

A choice is `""` (as the schools that are not listed), `skip`, `create`, or a building as `id:<LMS id>`; saved settings
may also name a building by its code.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from rollbook.roster.settings import ANY, CREATE, SKIP

Row = Mapping[str, Any]

UNMAPPED, SKIPPED, MAPPED = "unmapped", "skipped", "mapped"
MOVES, FREEZES = "moves", "freezes"
_LIKE_SCHOOLS: Final = ("school", "")


@dataclass(frozen=True, kw_only=True)
class School:
    """An org of the SIS with what is saved for it. `choice` is the explicit one, `goes` what it comes to; `is_gone`:
    mapped, but not in the SIS any more; `lost_building`: the building it is mapped to is not in the LMS any more."""

    org: str
    name: str
    code: str
    type: str
    choice: str
    goes: str
    is_gone: bool
    lost_building: bool

    @property
    def state(self) -> str:
        if self.goes != SKIP:
            return MAPPED
        return SKIPPED if self.choice == SKIP else UNMAPPED

    @property
    def is_school(self) -> bool:
        """Not a district or department: those are mapped by name only (rule 12)."""
        return self.type in _LIKE_SCHOOLS

    @property
    def needs_a_look(self) -> bool:
        return (self.is_gone and self.goes != SKIP) or self.lost_building


@dataclass(frozen=True)
class Consequence:
    """What saving would do to a school that is synced: it moves between two buildings, or freezes."""

    what: str
    school: str
    before: str
    after: str


class SchoolMap:
    """The saved `schools` of the settings over the lists of both sides."""

    def __init__(self, saved: Mapping[str, str], orgs: Iterable[Row], buildings: Iterable[Row]) -> None:
        self.saved = saved
        self._orgs = {row["id"]: row for row in orgs}
        self._buildings = {row["id"]: row for row in buildings}
        self._codes = Counter(row["code"] for row in self._buildings.values() if row["code"])
        self._by_code = {row["code"]: row["id"] for row in self._buildings.values()}

    @cached_property
    def schools(self) -> list[School]:
        """Schools by name, those that are gone at the end."""
        gone = sorted(org for org in self.saved if org != ANY and org not in self._orgs)
        return [*(self._school(org, row) for org, row in self._orgs.items()), *(self._school(org) for org in gone)]

    @cached_property
    def by_org(self) -> dict[str, School]:
        return {school.org: school for school in self.schools}

    @property
    def others(self) -> str:
        """Where schools go that are not listed."""
        return self.canonical(self.saved.get(ANY, SKIP))

    def canonical(self, value: str) -> str:
        """A building named by its code as `id:…`, where the LMS has exactly one of this code."""
        by, _, code = value.partition(":")
        return f"id:{self._by_code[code]}" if by == "code" and self._codes[code] == 1 else value

    def building(self, value: str) -> Row | None:
        """The building that a choice names; None when it names none, or one that the LMS does not have."""
        by, _, wanted = self.canonical(value).partition(":")
        return self._buildings.get(wanted) if by == "id" else None

    def label(self, value: str) -> str:
        """A building's title; the choice itself where there is none to be found."""
        found = self.building(value)
        return building_label(found) if found else value

    def may_choose(self, org: str, value: str) -> bool:
        """Is this one of the choices that the page offers for an org, or what is saved for it?"""
        if org != ANY and org not in self.by_org:
            return False
        if value in (SKIP, CREATE) or (value == "" and org != ANY) or self.building(value) is not None:
            return True
        return value == self.canonical(self.saved.get(org, ""))

    def changed(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """The whole `schools` with these choices. What comes to the same keeps its spelling."""
        result = dict(self.saved)
        for org, value in chosen.items():
            if value == "":
                result.pop(org, None)
            elif self.canonical(result.get(org, SKIP if org == ANY else "")) != value:
                result[org] = value
        return result

    def consequences(self, chosen: Mapping[str, str]) -> list[Consequence]:
        """What becomes of schools that were mapped (rule 1), by name."""
        after = SchoolMap(self.changed(chosen), self._orgs.values(), self._buildings.values())
        found = []
        for school in self.schools:
            now = after.by_org[school.org].goes if school.org in after.by_org else SKIP
            if school.goes == SKIP or self._same(school, now):
                continue
            what = FREEZES if now == SKIP else MOVES
            found.append(Consequence(what, school.name, school.goes, now))
        return found

    def proposals(self, how: str) -> list[tuple[School, str]]:
        """For schools that nobody has decided about yet: a new building each (`create`), or the one building of the
        same name (`name`). Where two schools or two buildings share a name, none is proposed."""
        open_schools = [school for school in self.schools if is_open(school)]
        if how == CREATE:
            return [(school, CREATE) for school in open_schools]
        schools = Counter(plain_name(school.name) for school in self.schools if school.is_school)
        buildings: dict[str, list[str]] = {}
        for own, row in self._buildings.items():
            buildings.setdefault(plain_name(row["title"]), []).append(own)
        found = []
        for school in open_schools:
            name = plain_name(school.name)
            if name and schools[name] == 1 and len(buildings.get(name, [])) == 1:
                found.append((school, f"id:{buildings[name][0]}"))
        return found

    def _school(self, org: str, row: Row | None = None) -> School:
        choice = self.canonical(self.saved.get(org, ""))
        kind = row["type"] if row else ""
        goes = choice or (self.others if kind in _LIKE_SCHOOLS and row else SKIP)
        names_one = choice not in ("", CREATE, SKIP)
        return School(
            org=org,
            name=row["name"] if row else org,
            code=row["code"] if row else "",
            type=kind,
            choice=choice,
            goes=goes,
            is_gone=row is None,
            lost_building=names_one and self.building(choice) is None,
        )

    def _same(self, school: School, now: str) -> bool:
        """Does a school stay where it is? The building that was made for it has the school's code."""
        if school.goes == now:
            return True
        one, other = self._made_or_named(school, school.goes), self._made_or_named(school, now)
        return one is not None and one == other

    def _made_or_named(self, school: School, value: str) -> str | None:
        if value != CREATE:
            return value
        codes = [code for code in (school.code, school.org) if self._codes[code] == 1]
        return f"id:{self._by_code[codes[0]]}" if codes else None


def is_open(school: School) -> bool:
    """Has nobody decided about this school yet? Districts are left out: most are never mapped."""
    return school.state == UNMAPPED and school.is_school and not school.is_gone


def building_label(row: Row) -> str:
    """`Maple High (MVHS)`."""
    return f"{row['title']} ({row['code']})" if row["code"] and row["code"] != row["title"] else str(row["title"])


def plain_name(name: str) -> str:
    """A name without case, punctuation and spaces, for comparing."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
