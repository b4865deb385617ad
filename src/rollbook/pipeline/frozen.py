"""Frozen: what is gone from the SIS but was left out of the sync before, so nothing of it is taken away (rule 1).

A class or a person that the SIS does not list any more cannot be resolved; what the ledger knows of them says whether
their term, school or role is still mapped. Decides nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rollbook.core.duck import Connection, count, fill, like, quote, texts
from rollbook.pipeline.mappings import is_named
from rollbook.roster.lms import KINDS
from rollbook.roster.settings import ANY, CREATE, SKIP, Settings, school_value, term_values


def freeze(db: Connection, settings: Settings, year: int | None, *, complete: bool) -> None:
    """Make `frozen_section` and `frozen_user` (keys of the ledger); name schools that are gone from a whole read. Where
    the ledger has courses, `_courses` says what they are in the SIS."""
    if complete:
        _name_gone_schools(db, settings, year)
    sections = count(db, "ledger_section")
    if sections or count(db, "ledger_course"):
        _courses(db, settings)
    if sections:
        _sections(db, settings, year)
    else:
        db.execute("CREATE TABLE frozen_section (key VARCHAR)")
    if count(db, "ledger_user"):
        _people(db, settings)
    else:
        db.execute("CREATE TABLE frozen_user (key VARCHAR)")


def _sections(db: Connection, settings: Settings, year: int | None) -> None:
    """Sections none of whose periods is in scope any more, or whose course is left out by name."""
    parameters = {"year": str(year) if year else None}
    rows = db.execute(
        """
        SELECT DISTINCT s.school, p.key, p.title, p.start, p."end", p.lms_id
        FROM (SELECT school, unnest(grading_periods) AS period FROM ledger_section WHERE year = $year) s
        JOIN ledger_grading_period p ON p.key = s.period ORDER BY 1, 2""",
        parameters,
    ).fetchall()
    terms = _Terms(db, settings)
    scope = [(school, key) for school, key, *period in rows if terms.lead_to(school, key, period)]
    fill(db, "period_in_scope", {"school": "VARCHAR", "period": "VARCHAR"}, scope)
    db.execute(
        """
        CREATE TABLE frozen_section AS
        SELECT s.key FROM (SELECT key, school, unnest(grading_periods) AS period FROM ledger_section
                           WHERE year = $year) s
        JOIN (SELECT key FROM ledger_grading_period) p ON p.key = s.period
        LEFT JOIN period_in_scope i ON i.school = s.school AND i.period = s.period
        GROUP BY s.key HAVING count(i.period) = 0
        UNION
        SELECT key FROM ledger_section WHERE year = $year AND course IN (SELECT key FROM excluded_course)
        UNION
        SELECT key FROM gone_excluded WHERE kind = 'section' AND key IS NOT NULL""",
        parameters,
    )


def _courses(db: Connection, settings: Settings) -> None:
    """`course_id`: which course of the SIS each one of the ledger is; `excluded_course`: those that are left out."""
    exclude = settings.exclude
    named, subjects = (", ".join(map(quote, names)) for names in (exclude.courses, exclude.subjects))
    db.execute("""
        CREATE TABLE course_id AS
        SELECT key, CASE WHEN ends_with(key, '|' || building) THEN left(key, length(key) - length(building) - 1)
                         ELSE split_part(key, '|', 1) END AS id FROM ledger_course""")
    db.execute(f"""
        CREATE TABLE excluded_course AS
        SELECT c.key FROM course_id c LEFT JOIN courses k ON k."sourcedId" = c.id
        WHERE c.id IN ({named or "NULL"}) OR k."courseCode" IN ({named or "NULL"})
           OR list_has_any(coalesce(k.subjects, []), [{subjects}]::VARCHAR[])""")


class _Terms:
    """Which terms a school has, and whether one that is mapped leads to a grading period."""

    def __init__(self, db: Connection, settings: Settings) -> None:
        self._settings = settings
        self._sessions = db.execute("""
            SELECT id, title, CAST(first_day AS VARCHAR), CAST(end_date AS VARCHAR) FROM sessions""").fetchall()
        self._used: dict[str, set[str]] = {}
        rows = db.execute("""
            SELECT DISTINCT c."schoolSourcedId", t.term FROM class_terms t JOIN classes c ON c.rowid = t.class_no
            WHERE c."schoolSourcedId" IS NOT NULL AND t.term IS NOT NULL""").fetchall()
        for school, term in rows:
            self._used.setdefault(school, set()).add(term)

    def lead_to(self, school: str, key: str, period: list[Any]) -> bool:
        """The term that led there may be gone as well; then what the map says of its id counts."""
        title, start, end, lms_id = period
        own = {key.removeprefix("session:")} if key.startswith("session:") else set()
        same = own | {id for id, name, *dates in self._sessions if dates == [start, end] and is_named(title, name)}
        terms = self._settings.terms
        known = {*terms.get(school, {}), *terms.get(ANY, {}), *self._used.get(school, ())}
        if any(CREATE in term_values(self._settings, school, session) for session in (same & known) or own):
            return True
        names = {key, f"id:{lms_id}", f"title:{title}"}
        return any(names & set(term_values(self._settings, school, session)) for session in known | {ANY})


def _people(db: Connection, settings: Settings) -> None:
    """People whose school is not mapped, whose LMS role no role of their school leads to, or who are left out.
    An account whose role is not Rollbook's to give (rule 11) says nothing about the map."""
    scope = []
    for school in texts(db, "SELECT org FROM school ORDER BY 1"):
        roles = settings.roles.get(school, settings.roles.get(ANY)) or {}
        scope += [(school, role) for role in dict.fromkeys(roles.values()) if role != SKIP]
    fill(db, "role_in_scope", {"school": "VARCHAR", "role": "VARCHAR"}, scope)
    people = ", ".join(quote(person) for person in settings.exclude.people) or "NULL"
    by_id = settings.users.unique_id == "sourcedId"
    db.execute(f"""
        CREATE TABLE frozen_user AS
        SELECT u.key FROM ledger_user u ANTI JOIN present_user p ON p.unique_id = u.key
        LEFT JOIN role_in_scope i ON i.school = u.school AND i.role = u.role
        LEFT JOIN (SELECT key FROM set_aside WHERE kind = 'user' AND protected) a ON a.key = u.key
        WHERE (u.school IS NOT NULL AND i.role IS NULL
               AND (a.key IS NULL OR u.school NOT IN (SELECT org FROM school)))
           OR ({by_id} AND u.key IN ({people})) OR {_by_email(settings.exclude.emails)}
           OR u.key IN (SELECT key FROM gone_excluded WHERE kind = 'user' AND key IS NOT NULL)""")


def _by_email(patterns: Sequence[str]) -> str:
    """Rule 7, by what the account is known to have had as its e-mail."""
    parts = [f"lower(u.email) LIKE {quote(like(pattern.lower()))} ESCAPE '!'" for pattern in patterns]
    return f"coalesce({' OR '.join(parts)}, false)" if parts else "false"


def _name_gone_schools(db: Connection, settings: Settings, year: int | None) -> None:
    """A mapped school that the SIS does not list any more: what is there of it stays, but not unseen."""
    known = """
        SELECT school FROM ledger_user UNION SELECT school FROM ledger_course UNION SELECT school FROM ledger_section
        UNION SELECT school FROM ledger_building"""
    gone = [
        school
        for school in texts(
            db,
            f"""
            SELECT k.school FROM ({known}) k ANTI JOIN (SELECT "sourcedId" AS id FROM orgs WHERE NOT gone) o
              ON o.id = k.school WHERE k.school IS NOT NULL ORDER BY 1""",
        )
        if school_value(settings, school) != SKIP
    ]
    for school in gone:
        counts = {}
        for kind, word in (("user", "users"), ("course", "courses"), ("section", "sections"),
                           ("enrollment", "enrollments")):  # fmt: skip
            yearly = f"AND year = {quote(str(year))}" if KINDS[kind].yearly else ""
            counts[word] = count(db, f"ledger_{kind}", f"school = {quote(school)} {yearly}")
        named = ", ".join(f"{number} {word}" for word, number in counts.items())
        title = db.execute("SELECT min(title) FROM ledger_building WHERE school = ?", [school]).fetchone()
        db.execute(
            """INSERT INTO found (code, collection, id, school, other, detail, dependants)
            VALUES ('SCHOOL_GONE', 'orgs', $school, $school, $title, $named, $dependants)""",
            {
                "school": school,
                "title": title[0] if title else None,
                "named": named,
                "dependants": sum(counts.values()),
            },
        )
