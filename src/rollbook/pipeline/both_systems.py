"""Who is in both systems, only in one of them, or unclear: the list that Data Prep shows. Decides and changes nothing.

Only a dry run that compares with the live LMS makes it (`Request.dry_run` and `compare_live`), so that no other run
pays for it. One row a person, of a conflict one row for each account it may be; sorted by state and place.
"""

from __future__ import annotations

from typing import Final

from rollbook.core.duck import Connection, quote, write_parquet
from rollbook.pipeline.field_map import username_of
from rollbook.pipeline.run_types import Request, Scope, World

#: `state` of a person: in both, only in the SIS, only in the LMS, or somebody must decide.
BOTH, ONLY_SIS, ONLY_LMS, CONFLICT = "both", "sis", "lms", "conflict"
STATES: Final = (CONFLICT, ONLY_SIS, ONLY_LMS, BOTH)
#: Rows that are read for a page of a hundred.
_GROUP_ROWS: Final = 16_384

_SIS: Final = """
    SELECT p.unique_id AS key, coalesce(d.school, u."orgSourcedIds"[1]) AS school, u."givenName" AS first_name,
           u."familyName" AS last_name, coalesce(d.username, u.login) AS username, coalesce(d.email, u.email) AS email,
           coalesce(d.role, u.role) AS role, d.key IS NOT NULL AS synced
    FROM present_user p JOIN (SELECT rowid AS no, *, {username} AS login FROM users) u ON u.no = p.user_no
    LEFT JOIN desired_user d ON d.key = p.unique_id"""
_PAIRED: Final = """
    SELECT key, lms_id, 'unique id' AS alike FROM eff_user
    WHERE lms_id IS NOT NULL AND NOT deleted AND key NOT IN (SELECT key FROM linked)
    UNION ALL SELECT key, lms_id, 'decided' FROM linked
    UNION ALL
    SELECT v.code, min(v.lms_id), 'unique id' FROM live_user v
    WHERE v.code IS NOT NULL AND v.code NOT IN (SELECT key FROM eff_user)
      AND v.lms_id NOT IN (SELECT lms_id FROM eff_user WHERE lms_id IS NOT NULL) GROUP BY 1"""
_ACCOUNT: Final = ", ".join(
    ["v.lms_id", "v.code AS lms_code", "v.active AS lms_active"]
    + [f"v.{name} AS lms_{name}" for name in ("first_name", "last_name", "username", "email", "role")]
)
_WHO: Final = "key, school, first_name, last_name, username, email, role, synced"
_ALL: Final = f"""
    WITH who AS ({_SIS}), paired AS ({_PAIRED}), found AS (
        SELECT w.*, CASE WHEN c.key IS NOT NULL THEN '{CONFLICT}' WHEN p.key IS NOT NULL THEN '{BOTH}'
                         ELSE '{ONLY_SIS}' END AS state, coalesce(c.alike, p.alike) AS alike,
               coalesce(c.lms_id, p.lms_id) AS account
        FROM who w LEFT JOIN candidate_account c ON c.key = w.key LEFT JOIN paired p ON p.key = w.key
    ), everybody AS (
        SELECT f.state, f.alike, {", ".join(f"f.{name}" for name in _WHO.split(", "))}, {_ACCOUNT}
        FROM found f LEFT JOIN live_user v ON v.lms_id = f.account
        UNION ALL BY NAME
        SELECT '{ONLY_LMS}' AS state, {_ACCOUNT} FROM live_user v
        ANTI JOIN found f ON f.account = v.lms_id
    )
    SELECT dense_rank() OVER (PARTITION BY state ORDER BY coalesce(last_name, lms_last_name, ''),
               coalesce(first_name, lms_first_name, ''), coalesce(key, lms_id)) - 1 AS place, *
    FROM everybody ORDER BY state, place, lms_id"""

#: What a district looks at before its first sync: each leads to records that will not arrive as meant.
_SANITY: Final = {
    "users_without_username": "SELECT count(*) FROM users WHERE NOT gone AND {username} IS NULL",
    "usernames_with_spaces": "SELECT count(*) FROM found WHERE code = 'USER_USERNAME_SPACE'",
    "doubled_logins": """
        SELECT count(DISTINCT id) FROM found
        WHERE code IN ('USER_USERNAME_DUPLICATE', 'USER_EMAIL_DUPLICATE', 'USER_UNIQUE_ID_DUPLICATE')""",
    "users_without_mapped_school": """
        SELECT count(*) FROM people p WHERE p.enabled AND NOT p.excluded AND NOT exists(
            SELECT 1 FROM belongs b JOIN school s ON s.org = b.org WHERE b.user_no = p.user_no)""",
    "classes_without_term": "SELECT count(*) FROM found WHERE code = 'CLASS_NO_TERM'",
    "classes_without_teacher": "SELECT count(*) FROM found WHERE code = 'CLASS_NO_TEACHER'",
    "classes_without_student": "SELECT count(*) FROM found WHERE code = 'CLASS_NO_STUDENT'",
    "enrollments_outside_dates": """
        SELECT count(*) FROM found WHERE code IN ('ENROLLMENT_OUTSIDE_TERM', 'ENROLLMENT_DATES_SWAPPED')""",
}


def keep_both_systems(
    db: Connection, request: Request, scope: Scope, world: World
) -> tuple[str | None, dict[str, int], dict[str, int]]:
    """The list's blob, how many people there are of each of STATES, and the eight sanity counts; nothing of it for
    other runs, and no list where the LMS's accounts were not read."""
    if not (request.dry_run and request.compare_live):
        return None, {}, {}
    username = username_of(request.settings.users)
    sanity = {name: _one(db, query.replace("{username}", username)) for name, query in _SANITY.items()}
    if "user" not in scope.whole:
        return None, {}, sanity
    path = world.work / "both-systems.parquet"
    write_parquet(db, _ALL.replace("{username}", username), path, rows=_GROUP_ROWS)
    db.execute(
        f"CREATE TABLE state_count AS SELECT state, max(place) + 1 AS n FROM read_parquet({quote(path)}) GROUP BY state"
    )
    numbers = {state: _one(db, f"SELECT n FROM state_count WHERE state = '{state}'") for state in STATES}
    return world.blobs.put(path), numbers, sanity


def _one(db: Connection, query: str) -> int:
    row = db.execute(query).fetchone()
    return int(row[0]) if row else 0
