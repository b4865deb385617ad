"""Resolve: staged × mappings → the desired LMS roster. Looks at the ledger only for what is pinned; compares nothing.

Makes `desired_<kind>` (key columns, fields, school, year) for every kind but enrollment, which stays in row numbers
(`want_enrollment`) until it is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from rollbook.connectors.base import TargetTraits
from rollbook.core.duck import Connection, count, like, quote
from rollbook.core.protocols import Progress
from rollbook.errors import ConfigError
from rollbook.pipeline.columns import keep_known
from rollbook.pipeline.field_map import username_of
from rollbook.pipeline.mappings import Mapper
from rollbook.pipeline.tables import statements
from rollbook.roster.settings import Exclusions, Settings

#: Tables that are empty where another one has no such rows: that one, which rows, and their columns.
_EMPTY: Final = {
    "links": (
        "users",
        """"agentSourcedIds" IS NOT NULL""",
        "student_no INTEGER, org VARCHAR, building VARCHAR, guardian_no INTEGER, lms_role VARCHAR, student VARCHAR, "
        "guardian VARCHAR",
    ),
    "kept_places": ("ledger_user", "true", "key VARCHAR, buildings VARCHAR[]"),
}


def resolve(
    db: Connection,
    settings: Settings,
    today: date,
    lms_roles: Mapping[str, bool],
    progress: Progress,
    *,
    traits: TargetTraits,
) -> int | None:
    """Fill the desired tables, as far as an LMS with these traits has it; returns the active year. `lms_roles` says of
    each role whether it is one of staff. Raises ConfigError when the year is not in the SIS at all."""
    year = active_year(db, settings, today)
    Mapper(db, settings, lms_roles, year).map_all()
    texts = _texts(settings, year, traits) | {"admin": _admin(lms_roles, traits)}
    parameters: dict[str, Any] = {
        "usernames": traits.usernames,
        "today": today,
        "year": year,
        "before": settings.enrollments.give_days_before,
        "exclusive": int(settings.enrollments.end_dates == "exclusive"),
    }
    steps = statements("resolve")
    for done, (name, statement) in enumerate(steps):
        progress.update("resolve", done, len(steps), name)
        for word, text in texts.items():
            statement = statement.replace("{" + word + "}", text)
        used = {key: value for key, value in parameters.items() if f"${key}" in statement}
        empty = _EMPTY.get(name)
        if name == "usernames_refused" and not traits.usernames:
            continue
        if empty and not count(db, empty[0], empty[1]):
            db.execute(f"CREATE TABLE {name} ({empty[2]})")
        else:
            db.execute(statement, used)
    keep_known(db, settings)
    return year


def active_year(db: Connection, settings: Settings, today: date) -> int | None:
    """The saved active year, else the year of the sessions that hold today, else the latest one."""
    if settings.active_year is not None:
        return int(settings.active_year)
    row = db.execute(
        "SELECT coalesce(max(year) FILTER ($today BETWEEN first_day AND end_date), max(year)) FROM sessions",
        {"today": today},
    ).fetchone()
    return row[0] if row else None


def _texts(settings: Settings, year: int | None, traits: TargetTraits) -> dict[str, str]:
    users = settings.users
    grade = "try_cast(regexp_extract(u.grades[1], '[0-9]+') AS INTEGER)"
    graduation = f"CAST({year or 0} + 12 - {grade} AS VARCHAR)"
    return {
        "unique_id": f'"{users.unique_id}"',
        "username": f"lower({username_of(users)})" if traits.lower_usernames else username_of(users),
        "email": "u.email" if users.email == "email" else "CAST(NULL AS VARCHAR)",
        "preferred": 'u."preferredGivenName"' if users.preferred_name != "none" else "CAST(NULL AS VARCHAR)",
        "graduation_year": graduation if users.graduation_year == "from_grade" else "CAST(NULL AS VARCHAR)",
        "guardians": str(users.guardians and "guardian_link" in traits.kinds).lower(),
        "dated": str("grading_period" not in traits.kinds).lower(),
        "excluded": _people_excluded(settings.exclude),
        "class_excluded": _classes_excluded(settings.exclude),
        "title": _title(settings.sections.title),
    }


def _admin(lms_roles: Mapping[str, bool], traits: TargetTraits) -> str:
    """Does an enrollment `e` of a desired user `u` make a course admin?"""
    staff = [role for role, is_staff in lms_roles.items() if is_staff]
    teaches = "e.role = 'teacher'"
    if not traits.helpers_are_staff or not staff:
        return teaches
    return f"{teaches} OR (e.role <> 'student' AND u.role IN ({_list(staff)}))"


def _people_excluded(exclude: Exclusions) -> str:
    """Rule 7, people: by id, e-mail pattern or grade (people all of whose grades are excluded)."""
    parts = ["false"]
    if exclude.people:
        parts.append(f'u."sourcedId" IN ({_list(exclude.people)})')
    parts += [f"lower(u.email) LIKE {quote(like(pattern.lower()))} ESCAPE '!'" for pattern in exclude.emails]
    if exclude.grades:
        parts.append(
            f"(len(u.grades) > 0 AND len(list_filter(u.grades, lambda g: g NOT IN ({_list(exclude.grades)}))) = 0)"
        )
    return "coalesce(" + " OR ".join(parts) + ", false)"


def _classes_excluded(exclude: Exclusions) -> str:
    """Rule 7, classes: by course (sourcedId or code), subject, class type or grade."""
    parts = ["false"]
    if exclude.courses:
        names = _list(exclude.courses)
        parts.append(f'c."courseSourcedId" IN ({names}) OR k.code IN ({names})')
    if exclude.subjects:
        subjects = f"[{_list(exclude.subjects)}]"
        parts.append(f"list_has_any(coalesce(c.subjects, []), {subjects})")
        parts.append(f"list_has_any(coalesce(k.subjects, []), {subjects})")
    if exclude.class_types:
        parts.append(f'c."classType" IN ({_list(kind.lower() for kind in exclude.class_types)})')
    if exclude.grades:
        parts.append(
            f"(len(c.grades) > 0 AND len(list_filter(c.grades, lambda g: g NOT IN ({_list(exclude.grades)}))) = 0)"
        )
    return "coalesce(" + " OR ".join(parts) + ", false)"


def _list(values: Iterable[str]) -> str:
    return ", ".join(quote(value) for value in values)


def _title(template: str) -> str:
    """A section title template as SQL; ConfigError for a word it does not know."""
    words = {
        "class": "coalesce(c.title, '')",
        "code": "coalesce(c.\"classCode\", '')",
        "course": "coalesce(k.title, '')",
        "period": "coalesce(array_to_string(c.periods, ', '), '')",
        "term": "coalesce(p.terms, '')",
    }
    parts: list[str] = []
    for piece in template.replace("{", "\0{").replace("}", "}\0").split("\0"):
        if piece.startswith("{") and piece.endswith("}"):
            if piece[1:-1] not in words:
                raise ConfigError(f"section titles know {', '.join(words)}, not {piece}")
            parts.append(words[piece[1:-1]])
        elif piece:
            parts.append(quote(piece))
    return " || ".join(parts) if parts else "''"
