"""Enrollments: wanted against the ledger, and against the members of sections that were read → changes. By row numbers,
for millions; see `sql/compare.sql`. Sends and holds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rollbook.core.duck import Connection, count

#: What is asked of sections whose members were read.
_LIVE: Final = ("drifted_away", "give_drifted", "list_drifted", "drifted_role", "extra_members", "take_extra_members")
_DIFFERENCE: Final = "enrollment_difference"


def compare_enrollments(db: Connection, run: Callable[[str], None], *, live: bool) -> None:
    """Fill `changes_enrollment`, and `dangling` with records whose class or user is not there. `run` executes a named
    statement of the comparison with its parameters; `live`: members of some sections were read."""
    db.execute("""
        CREATE TABLE section_no AS
        SELECT id AS key, no FROM classes_no WHERE id NOT IN (SELECT old FROM rekey_section)
        UNION ALL SELECT r.old, c.no FROM rekey_section r JOIN classes_no c ON c.id = r.new""")
    db.execute("""
        CREATE TABLE user_no AS
        SELECT unique_id AS key, user_no FROM present_user WHERE unique_id NOT IN (SELECT old FROM rekey_user)
        UNION ALL SELECT r.old, p.user_no FROM rekey_user r JOIN present_user p ON p.unique_id = r.new""")
    run("have_enrollment")
    if live:
        for step in _LIVE:
            run(step)
        _name_extra_members(db)
    run(_DIFFERENCE)
    _give(db, run)
    _take(db, run)
    if db.execute("SELECT 1 FROM changes_enrollment WHERE action IN ('update', 'remove') LIMIT 1").fetchone():
        run("given_enrollments")
        run("seen_enrollments")


def _name_extra_members(db: Connection) -> None:
    db.execute("""
        INSERT INTO found BY NAME
        SELECT 'EXTRA_MEMBER' AS code, 'section' AS collection, section AS id, any_value(e.school) AS school,
               count(*) || ' members' AS detail
        FROM extra_member e ANTI JOIN want_enrollment w ON w.class_no = e.class_no
         AND w.user_no IN (SELECT user_no FROM user_no u WHERE u.key = e."user") GROUP BY section""")


def _give(db: Connection, run: Callable[[str], None]) -> None:
    if not count(db, _DIFFERENCE, "want_class IS NOT NULL"):
        return
    if count(db, _DIFFERENCE, "admin AND NOT want_admin"):
        run("doubtful_enrollments")
    else:  # only who may lose something by them is asked about
        db.execute("CREATE TABLE doubtful_enrollment (class_no INTEGER, user_no INTEGER)")
    run("give_enrollments")


def _take(db: Connection, run: Callable[[str], None]) -> None:
    run("spelled")
    run("dangling")
    if count(db, "dangling", """"user" IS NULL AND user_id IS NOT NULL"""):
        run("dangling_people")
    if count(db, _DIFFERENCE, "want_class IS NULL"):
        run("gone_enrollments")
