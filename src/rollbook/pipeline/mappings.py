"""Mappings made concrete: which school, term and role goes where in this run. Shared by resolve; sends nothing.

Works on thousands of rows (orgs, sessions, roles), so it is Python; people and classes are SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rollbook.core.duck import Connection, fill, texts
from rollbook.pipeline.buildings import Buildings
from rollbook.roster.oneroster import GUARDIAN_ROLES, ROLE_ORDER, ROLES
from rollbook.roster.settings import CREATE, SKIP, Settings, role_value, school_value, term_values

_ORDER = {role.lower(): rank for rank, role in enumerate(ROLE_ORDER)}
_CANONICAL = {role.lower(): role for role in ROLES}


@dataclass(frozen=True)
class Finding:
    code: str
    collection: str
    id: str
    school: str | None
    detail: str


class Mapper:
    """Fills `school`, `map_role`, `map_term`, `desired_building` and `desired_grading_period`."""

    def __init__(self, db: Connection, settings: Settings, lms_roles: Iterable[str], year: int | None) -> None:
        self.db, self.settings, self.year = db, settings, year
        self.lms_roles = frozenset(lms_roles)
        self.findings: list[Finding] = []

    def map_all(self) -> None:
        self._schools()
        self._roles()
        self._terms()
        rows = [(f.code, f.collection, f.id, f.school, f.detail) for f in dict.fromkeys(self.findings)]
        columns = dict.fromkeys(("code", "collection", "id", "school", "detail"), "VARCHAR")
        fill(self.db, "map_found", columns, rows)
        self.db.execute("INSERT INTO found BY NAME FROM map_found")

    # --- schools ------------------------------------------------------------------------------------------------------

    def _schools(self) -> None:
        rows = self.db.execute("""
            SELECT "sourcedId", any_value(coalesce(name, "sourcedId")), any_value(identifier), any_value(type)
            FROM orgs WHERE NOT gone AND "sourcedId" IS NOT NULL GROUP BY 1 ORDER BY 1""").fetchall()
        values = {org: self._school_value(org, kind) for org, _, _, kind in rows}
        made = self._made(rows, {org for org, value in values.items() if value == CREATE})
        buildings = Buildings(self.db, [(key, code) for key, _, code, _ in made])
        wanted = {row[0]: row for row in made}
        schools = [(org, key, code) for key, _, code, org in made]
        for org, _, _, _ in rows:
            if values[org] not in (CREATE, SKIP):
                found = buildings.find(values[org])
                if found is None:
                    self.findings.append(Finding("MAP_BUILDING_NOT_FOUND", "orgs", org, org, values[org]))
                    continue
                key, title, code = found
                wanted.setdefault(key, (key, title, code, org))
                schools.append((org, key, code))
        fill(self.db, "school", {"org": "VARCHAR", "building": "VARCHAR", "code": "VARCHAR"}, schools)
        columns = {"key": "VARCHAR", "title": "VARCHAR", "code": "VARCHAR", "school": "VARCHAR"}
        fill(self.db, "desired_building", columns, wanted.values())
        self.db.execute("ALTER TABLE desired_building ADD COLUMN year VARCHAR")

    def _made(self, rows: list[tuple[str, ...]], create: set[str]) -> list[tuple[str, str, str, str]]:
        """Buildings of schools that get one of their own; a code that was given once stays, and is nobody else's while
        the SIS lists its school (else it may be the same one under a new id)."""
        in_ledger = dict(self.db.execute("SELECT key, code FROM ledger_building").fetchall())
        given = (in_ledger.get(f"org:{org}") for org, *_ in rows)
        used = Counter([*given, *(row[2] for row in rows), *(org for org, *_ in rows)])
        made = []
        for org, name, identifier, _ in rows:
            if org in create:
                own = identifier if identifier and used[identifier] == 1 + (identifier == org) else org
                made.append((f"org:{org}", name, in_ledger.get(f"org:{org}", own), org))
        return made

    def _school_value(self, org: str, kind: str | None) -> str:
        """The wildcard covers schools only; a district or department is mapped by name (rule 12)."""
        if org in self.settings.schools or kind in ("school", None):
            return school_value(self.settings, org)
        return SKIP

    # --- roles --------------------------------------------------------------------------------------------------------

    def _roles(self) -> None:
        roles = texts(self.db, "SELECT DISTINCT role FROM belongs WHERE role IS NOT NULL ORDER BY 1")
        order = {role: rank for rank, role in enumerate(self.settings.users.role_order)}
        rows = []
        for org in texts(self.db, "SELECT org FROM school ORDER BY 1"):
            for role in roles:
                value = role_value(self.settings, org, _CANONICAL.get(role, role))
                if value is None:
                    self.findings.append(Finding("MAP_SCHOOL_NO_ROLES", "orgs", org, org, ""))
                    break
                if value != SKIP and self.lms_roles and value not in self.lms_roles:
                    self.findings.append(Finding("MAP_ROLE_NOT_FOUND", "orgs", org, org, f"{role} → {value}"))
                    value = SKIP
                rank = order.get(value, 100 + _default_rank(role))
                rows.append((org, role, value, rank, role in GUARDIAN_ROLES))
        columns = {"org": "VARCHAR", "role": "VARCHAR", "value": "VARCHAR", "rank": "INTEGER", "guardian": "BOOLEAN"}
        fill(self.db, "map_role", columns, rows)

    # --- terms --------------------------------------------------------------------------------------------------------

    def _terms(self) -> None:
        used = self.db.execute(
            """
            SELECT DISTINCT c."schoolSourcedId", t.term, s.title, s.first_day, s.end_date, o.name
            FROM class_terms t JOIN classes c ON c.rowid = t.class_no JOIN school m ON m.org = c."schoolSourcedId"
            JOIN sessions s ON s.id = t.term
            JOIN (SELECT "sourcedId" AS id, any_value(name) AS name FROM orgs GROUP BY 1) o
              ON o.id = c."schoolSourcedId"
            WHERE t.year = $year AND NOT c.gone ORDER BY 1, 2""",
            {"year": self.year},
        ).fetchall()
        rows: list[tuple[str, str, str]] = []
        made: dict[tuple[str, str, str], list[tuple[str, str, str]]] = {}
        mapped: dict[str, tuple[str, str, str, str, str]] = {}
        for org, session, title, first, last, school in used:
            for value in term_values(self.settings, org, session):
                if value == CREATE:
                    made.setdefault((title, str(first), str(last)), []).append((session, org, school))
                elif value != SKIP:
                    row = self._live_period(value)
                    if row is None:
                        self.findings.append(Finding("MAP_PERIOD_NOT_FOUND", "academicSessions", session, org, value))
                        continue
                    rows.append((org, session, value))
                    mapped.setdefault(value, (value, *row, org))
        periods = self._name_periods(made, rows)
        fill(self.db, "map_term", dict.fromkeys(("org", "session", "period"), "VARCHAR"), dict.fromkeys(rows))
        columns = dict.fromkeys(("key", "title", "start", "end", "school"), "VARCHAR")
        fill(self.db, "desired_grading_period", columns, [*periods, *mapped.values()])
        self.db.execute("ALTER TABLE desired_grading_period ADD COLUMN year VARCHAR")

    def _live_period(self, value: str) -> tuple[str, str, str] | None:
        by, _, wanted = value.partition(":")
        column = {"id": "lms_id", "title": "title"}.get(by)
        if column is None:
            return None
        query = f'SELECT title, start, "end" FROM live_grading_period WHERE {column} = $wanted'
        return self.db.execute(query, {"wanted": wanted}).fetchone()

    def _name_periods(
        self, made: dict[tuple[str, str, str], list[tuple[str, str, str]]], rows: list[tuple[str, str, str]]
    ) -> list[tuple[str, str, str, str, str | None]]:
        """Rule 18: same title and dates share one period; same title with other dates gets the year, then the school.
        A period that exists keeps its name as long as it still begins with the SIS's title."""
        there = self.db.execute('SELECT key, title, start, "end" FROM ledger_grading_period').fetchall()
        ledger = {key: title for key, title, _, _ in there}
        ours = set(ledger.values())
        today = {f"session:{session}" for members in made.values() for session, _, _ in members}
        earlier = [row for row in there if row[0] not in today]
        taken = {
            t: (s, e) for t, s, e in self.db.execute('SELECT title, start, "end" FROM live_grading_period').fetchall()
        }
        taken = {title: dates for title, dates in taken.items() if title not in ours}
        titles = [title for title, _, _ in made]
        named: dict[str, str] = {}
        periods: list[tuple[str, str, str, str, str | None]] = []
        for (title, first, last), members in sorted(made.items(), key=lambda item: (item[0][1], item[0])):
            keys = [f"session:{session}" for session, _, _ in members]
            same = [key for key, name, *dates in earlier if dates == [first, last] and is_named(name, title)]
            key = next((known for known in sorted(keys) if known in ledger), min(same or keys))
            name = ledger.get(key, "")
            if not is_named(name, title):
                others = {other: known for known, other in ledger.items() if known != key}
                shared = titles.count(title) > 1 or title in others or taken.get(title) not in (None, (first, last))
                name = self._free_name(title, members, shared, others | named | taken_by(taken, first, last))
            named[name] = key
            school = min(org for _, org, _ in members)
            periods.append((key, name, first, last, school))
            rows += [(org, session, key) for session, org, _ in members]
        return periods

    def _free_name(self, title: str, members: list[tuple[str, str, str]], shared: bool, named: dict[str, str]) -> str:
        year = f"{self.year - 1}-{self.year}" if self.year else ""
        names = [title] if not shared else []
        names += [f"{title} ({year})", f"{title} ({year}, {min(school for _, _, school in members)})"]
        names += [f"{title} ({year}, {min(session for session, _, _ in members)})"]
        return next((name for name in names if name not in named), names[-1])


def is_named(name: str, title: str) -> bool:
    """Is this the SIS's title, bare or with a suffix of ours?"""
    return name == title or name.startswith(f"{title} (")


def taken_by(live: dict[str, tuple[str, str]], first: str, last: str) -> dict[str, str]:
    """Titles in the LMS that are somebody else's: not ours, and not this very period (which is adopted)."""
    return {title: "live" for title, dates in live.items() if dates != (first, last)}


def _default_rank(role: str) -> int:
    return _ORDER.get(role, len(_ORDER))
