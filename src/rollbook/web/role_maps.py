"""Role maps as a form: which SIS role becomes which LMS role at which school. Knows no request and stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rollbook.engine.directory import known
from rollbook.errors import ConfigError
from rollbook.roster.oneroster import ROLES, STAFF_ROLES
from rollbook.roster.settings import ANY, SKIP, Settings
from rollbook.store.models import Organization
from rollbook.web.sync_schools import School

Roles = Mapping[str, Mapping[str, str]]
_LONGEST: Final = 100
#: Whom most schools have stands first; the other roles follow as OneRoster lists them.
_FIRST: Final = ("student", "teacher", "guardian", "parent", "relative", "administrator")


@dataclass(frozen=True)
class Words:
    """The roles of both sides. `staff` are LMS roles that are staff. `known`: the LMS has told its roles."""

    sis: Sequence[str]
    lms: Sequence[str]
    staff: frozenset[str]
    known: bool


@dataclass(frozen=True)
class Cell:
    """One choice of the form; `value` "" when nothing was ever chosen. `raised`: people who are no staff would be."""

    name: str
    role: str
    value: str
    raised: bool
    error: str = ""


@dataclass(frozen=True)
class Line:
    """A school's map, or the one of all schools without their own (`org` is "*")."""

    org: str
    name: str
    own: bool
    general: bool
    ticked: bool
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Typed:
    """What a person sent: ticked schools, the map to use for all of them ("" for none), values by school and role."""

    ticked: frozenset[str]
    every: bool
    same_as: str
    general: frozenset[str]
    values: Mapping[tuple[str, str], str]


def words_of(organization: Organization, settings: Settings) -> Words:
    """What there is to choose from; roles that are mapped stay in the lists though a system tells them no more."""
    told = [str(row["name"]) for row in known(organization, "sis.roles").rows]
    mapped = {role for roles in settings.roles.values() for role in roles if role != ANY}
    sis = _in_order([role for role in told if role] or ROLES)
    lms = known(organization, "lms.roles").rows
    titles = [str(row["title"]) for row in lms]
    used = {value for roles in settings.roles.values() for value in roles.values() if value != SKIP}
    return Words(
        sis=[*sis, *sorted(mapped - set(sis))],
        lms=[*titles, *sorted(used - set(titles))],
        staff=frozenset(str(row["title"]) for row in lms if row.get("staff")),
        known=bool(lms),
    )


def _in_order(roles: Sequence[str]) -> list[str]:
    return sorted(roles, key=lambda role: _FIRST.index(role) if role in _FIRST else len(_FIRST))


def lines_of(
    schools: Iterable[School], roles: Roles, words: Words, typed: Typed | None = None, errors: Mapping[str, str] = {}
) -> list[Line]:
    """The form's lines; what was typed wins over what is saved."""
    return [_line(school, roles, words, typed, errors) for school in schools]


def read_typed(post: Any) -> Typed:
    """From a posted form; fields are named `role|<SIS role>|<org>`."""
    values = {}
    for name in post:
        if name.startswith("role|") and name.count("|") >= 2:
            _, role, org = name.split("|", 2)
            values[org, role] = str(post[name]).strip()[:_LONGEST]
    return Typed(
        ticked=frozenset(post.getlist("school")),
        every=post.get("every") == "1",
        same_as=post.get("same_as", ""),
        general=frozenset(post.getlist("general")),
        values=values,
    )


def changed_roles(typed: Typed, roles: Roles, words: Words, orgs: Iterable[str]) -> dict[str, dict[str, str]]:
    """The role maps as they shall be saved; `orgs` are the mapped schools, others are not touched. A school whose line
    says the same as before keeps what it had. Raises BadRoles with an error for each wrong field."""
    places = {ANY, *orgs}
    errors = {
        f"role|{role}|{org}": value
        for (org, role), value in typed.values.items()
        if org in places and value not in ("", SKIP, *words.lms) and words.known
    }
    if errors:
        raise BadRoles(errors)
    found = {org: dict(one) for org, one in roles.items()}
    sent = {org for org, _ in typed.values} & places
    for org in sorted(sent, key=lambda one: one == ANY):  # the others are held against the general map as it was
        map_ = {role: value for (place, role), value in typed.values.items() if place == org}
        before = roles.get(org, roles.get(ANY))
        if any((value or SKIP) != (_saved(before, role) or SKIP) for role, value in map_.items()):
            found[org] = _merged(before, map_)
    for org in typed.general & set(found) - {ANY}:
        del found[org]
    if typed.same_as:
        source = found.get(typed.same_as, found.get(ANY))
        targets = set(orgs) if typed.every else typed.ticked & set(orgs)
        for org in targets if source is not None else ():
            found[org] = dict(source or {})
    return found


class BadRoles(ConfigError):
    """`fields` maps the names of wrong fields to what was typed there."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("the LMS does not have this role")
        self.fields = fields


def unmapped(roles: Roles, orgs: Iterable[str]) -> list[str]:
    """Schools of which no users sync, for want of a map (rule 4)."""
    return [org for org in orgs if ANY not in roles and org not in roles]


def raised_roles(roles: Roles, words: Words) -> list[tuple[str, str]]:
    """(SIS role, LMS role) where people who are no staff get a staff role."""
    pairs = {(role, value) for one in roles.values() for role, value in one.items()}
    return sorted(pair for pair in pairs if is_raised(*pair, words.staff))


def is_raised(role: str, value: str, staff: frozenset[str]) -> bool:
    return value in staff and role != ANY and role not in STAFF_ROLES


def saver(new: Roles) -> Callable[[dict[str, Any]], None]:
    """What `change_settings` does with the document."""

    def change(document: dict[str, Any]) -> None:
        document["roles"] = {org: dict(one) for org, one in new.items()}

    return change


def _line(school: School, roles: Roles, words: Words, typed: Typed | None, errors: Mapping[str, str]) -> Line:
    org, saved = school.id, roles.get(school.id, roles.get(ANY))
    cells = []
    for role in words.sis:
        name = f"role|{role}|{org}"
        value = _saved(saved, role)
        if typed is not None:
            value = typed.values.get((org, role), value)
        cells.append(Cell(name, role, value, is_raised(role, value, words.staff), errors.get(name, "")))
    return Line(
        org=org,
        name=school.name,
        own=org in roles,
        general=typed is not None and org in typed.general,
        ticked=typed is not None and (typed.every or org in typed.ticked),
        cells=cells,
    )


def _saved(map_: Mapping[str, str] | None, role: str) -> str:
    return "" if map_ is None else map_.get(role, map_.get(ANY, SKIP))


def _merged(before: Mapping[str, str] | None, sent: Mapping[str, str]) -> dict[str, str]:
    """Roles that the form did not show stay; "nothing chosen" is not synced."""
    return {ANY: SKIP} | dict(before or {}) | {role: value or SKIP for role, value in sent.items()}
