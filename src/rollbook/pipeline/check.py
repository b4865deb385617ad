"""Check: rules as SQL over the staged tables. Finds, names and counts; changes no record and drops none.

A rule's name is its finding code; what it means and how to mend it is in `roster/findings.py`.
"""

from __future__ import annotations

from datetime import date

from rollbook.core.duck import Connection, quote
from rollbook.core.protocols import Progress
from rollbook.pipeline.field_map import username_of
from rollbook.pipeline.tables import statements
from rollbook.roster.findings import BLOCKS, FINDINGS
from rollbook.roster.oneroster import COLLECTIONS, ROLES
from rollbook.roster.settings import FieldMap


def check(db: Connection, users: FieldMap, today: date, progress: Progress) -> None:
    """Fill `found` with every finding and make the tables of what is held back: `blocked_users`, `blocked_classes`
    (row numbers), `blocked_courses`, `blocked_orgs` (ids), each record named once with its dependants counted."""
    for _, statement in statements("people"):
        db.execute(statement, {"today": today} if "$today" in statement else None)
    _count_class_people(db)
    rules = statements("check")
    for done, (code, rule) in enumerate(rules):
        progress.update("check", done, len(rules), code)
        for statement in _spelled_out(rule, users):
            db.execute(statement)
    _required_values(db)
    _block(db)
    _count_dependants(db)


def _spelled_out(rule: str, users: FieldMap) -> list[str]:
    unique_id = f'"{users.unique_id}"'
    email = "email" if users.email == "email" else "CAST(NULL AS VARCHAR)"  # what is not sent cannot clash
    rule = rule.replace("{unique_id}", unique_id).replace("{username}", username_of(users)).replace("{email}", email)
    rule = rule.replace("{roles}", "(" + ", ".join(quote(role.lower()) for role in ROLES) + ")")
    if rule.startswith("{doubled:"):
        code, _, value = rule.removeprefix("{doubled:").removesuffix("}").partition(":")
        return [_doubled(code, value)]
    if "{collection}" in rule:
        return [rule.replace("{collection}", name) for name in COLLECTIONS if "ID_" not in rule or name != "roles"]
    return [rule]


def _doubled(code: str, value: str) -> str:
    """Everybody who shares a value, each with the others' names (rule 9)."""
    return f"""
        INSERT INTO found BY NAME
        WITH named AS (
            SELECT rowid AS no, "sourcedId" AS id, "orgSourcedIds"[1] AS school, page, {value} AS value,
                   coalesce("givenName", '') || ' ' || coalesce("familyName", '') || ' (' || "sourcedId" || ')' AS name
            FROM users WHERE NOT gone AND {value} IS NOT NULL
        ), doubled AS (
            SELECT value FROM named GROUP BY value HAVING count(*) > 1
        ), groups AS (
            SELECT value, list(name ORDER BY name)[1:6] AS names
            FROM named SEMI JOIN doubled USING (value) GROUP BY value
        )
        SELECT '{code}' AS code, 'users' AS collection, id, school, page,
               array_to_string(list_filter(names, lambda other: other <> name)[1:5], ', ') AS other
        FROM named JOIN groups USING (value)"""


def _count_class_people(db: Connection) -> None:
    db.execute("""
        CREATE TABLE class_people AS
        SELECT class_no, count(*) FILTER (role = 'teacher') AS teachers, count(*) FILTER (role = 'student') AS students
        FROM enrollments WHERE NOT gone AND class_no IS NOT NULL AND user_no IS NOT NULL GROUP BY class_no""")


def _required_values(db: Connection) -> None:
    """Empty required values, less those that a rule of their own names already."""
    own_rule = {"sourcedId", "startDate", "endDate", "courseSourcedId", "schoolSourcedId", "role", "type"}
    own_rule |= {"classSourcedId", "userSourcedId", "orgSourcedId"}
    for name, collection in COLLECTIONS.items():
        for column in set(collection.required) - own_rule:
            db.execute(f"""
                INSERT INTO found BY NAME
                SELECT 'REQUIRED_MISSING' AS code, '{name}' AS collection, "sourcedId" AS id, page,
                       '{column} is empty' AS detail
                FROM {name} WHERE NOT gone AND "{column}" IS NULL AND "sourcedId" IS NOT NULL""")


def _block(db: Connection) -> None:
    codes = ", ".join(quote(code) for code, finding in FINDINGS.items() if finding.severity == BLOCKS)
    for name in ("users", "classes"):
        db.execute(f"""
            CREATE TABLE blocked_{name} AS
            SELECT DISTINCT rowid::INTEGER AS no FROM {name}
            WHERE "sourcedId" IN (SELECT id FROM found WHERE collection = '{name}' AND code IN ({codes}))
               OR "sourcedId" IS NULL""")
    for name in ("courses", "orgs", "enrollments"):
        db.execute(f"""
            CREATE TABLE blocked_{name} AS
            SELECT DISTINCT id FROM found WHERE collection = '{name}' AND code IN ({codes}) AND id IS NOT NULL""")
    db.execute("""
        INSERT INTO blocked_classes
        SELECT rowid::INTEGER FROM classes WHERE "courseSourcedId" IN (SELECT id FROM blocked_courses)
           OR "schoolSourcedId" IN (SELECT id FROM blocked_orgs)""")


def _count_dependants(db: Connection) -> None:
    """How many enrollments wait for each blocked user or class: the root cause is named once, with its weight."""
    for name, column in (("users", "user_no"), ("classes", "class_no")):
        db.execute(f"""
            UPDATE found SET dependants = weight.n FROM (
                SELECT r."sourcedId" AS id, count(*) AS n
                FROM enrollments e JOIN blocked_{name} b ON b.no = e.{column} JOIN {name} r ON r.rowid = b.no
                WHERE NOT e.gone GROUP BY 1) weight
            WHERE found.collection = '{name}' AND found.id = weight.id""")
    db.execute("""
        UPDATE found SET dependants = weight.n FROM (
            SELECT "courseSourcedId" AS id, count(*) AS n FROM classes WHERE NOT gone GROUP BY 1) weight
        WHERE found.collection = 'courses' AND found.id = weight.id""")
