"""Columns that a SIS sent before and does not send today: what they held is unknown, not empty. Reads no file.

A value that is unknown never clears what the LMS has, and nobody is let in by the absence of what would keep them out.
Columns that a SIS never sent mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollbook.connectors.base import Verdict
from rollbook.core.duck import Connection, count, fill, texts
from rollbook.roster.settings import Settings

#: So many records of a page-wise source must have had a value, else nothing is concluded when none has it any more: an
#: absent field and an empty one look alike there. A CSV file has a header, which says it outright.
FIRM: Final = 20
#: The columns that matter, by collection; others are required to be there, or only ever looked at.
_TRACKED: Final = {
    "academicSessions": ("schoolYear",),
    "courses": ("courseCode", "subjects"),
    "classes": ("status", "classCode", "classType", "grades", "location", "periods", "subjects", "termSourcedIds"),
    "users": ("status", "enabledUser", "username", "identifier", "email", "middleName", "preferredGivenName", "grades",
              "agentSourcedIds", "primaryOrgSourcedId"),
    "roles": ("status", "beginDate", "endDate"),
    "enrollments": ("status", "beginDate", "endDate"),
}  # fmt: skip
_PLACES: Final = frozenset({"users.agentSourcedIds", "users.primaryOrgSourcedId"})
_USERNAME: Final = {"email": "email", "email_local_part": "email"}


def notice_columns(
    db: Connection, settings: Settings, facts: Mapping[str, Any], verdicts: Mapping[str, Verdict]
) -> dict[str, Any]:
    """Fill `unknown_column` and name each column once; returns the facts to remember after a complete read. A delta
    that leaves a column out says nothing of it: the snapshot has its values."""
    kept, sis = facts.get("columns") or {}, f"{settings.sis.connector} {settings.sis.partner or ''}".strip()
    known = set[str](kept["names"]) if kept.get("sis") == sis else set[str]()
    sent, firm, read = set[str](), set[str](), set[str]()
    for name in _TRACKED:
        delta = name in verdicts and verdicts[name].mode == "delta"
        if not delta and count(db, name):
            read.add(name)
            now, for_sure = _columns(db, name)
            sent |= now
            firm |= for_sure
    unknown = sorted(column for column in known - sent if column.partition(".")[0] in read)
    rows = [tuple(column.split(".", 1)) for column in unknown]
    fill(db, "unknown_column", {"collection": "VARCHAR", "name": "VARCHAR"}, rows)
    db.execute("""
        INSERT INTO found BY NAME
        SELECT 'COLUMN_GONE' AS code, collection, name AS detail FROM unknown_column ORDER BY ALL""")
    unread = {column for column in known if column.partition(".")[0] not in read}
    return {"columns": {"sis": sis, "names": sorted(firm | unread | set(unknown))}}


def _columns(db: Connection, name: str) -> tuple[set[str], set[str]]:
    """Columns that are there today, and those that will be missed if they are not there tomorrow."""
    header = texts(db, "SELECT DISTINCT name FROM header_column WHERE collection = $name", {"name": name})
    if header:
        there = {f"{name}.{column}" for column in header if column in _TRACKED[name]}
        return there, there
    tracked = [column for column in _TRACKED[name] if column != "status"]
    counts = ", ".join(f'count("{column}")' for column in tracked)
    row = db.execute(f"SELECT {counts} FROM {name}").fetchone()
    numbers = {f"{name}.{column}": number for column, number in zip(tracked, row or (), strict=True)}
    return {c for c, n in numbers.items() if n}, {c for c, n in numbers.items() if n >= FIRM}


def unknown_columns(db: Connection) -> frozenset[str]:
    """Like `users.email`."""
    return frozenset(texts(db, "SELECT collection || '.' || name FROM unknown_column"))


def keep_known(db: Connection, settings: Settings) -> None:
    """Fields whose column is unknown keep what the ledger has of them."""
    unknown = unknown_columns(db)
    for kind, field, sources in _fields(settings):
        if unknown & sources:
            empty = f'AND desired_{kind}."{field}" IS NULL' if field != "title" else ""  # a title has other parts too
            db.execute(f"""
                UPDATE desired_{kind} SET "{field}" = l."{field}" FROM ledger_{kind} l
                WHERE l.key = desired_{kind}.key {empty}""")


def places_unknown(db: Connection) -> bool:
    """May people seem to have left a building only because a column is gone?"""
    return bool(unknown_columns(db) & _PLACES)


def _fields(settings: Settings) -> list[tuple[str, str, set[str]]]:
    """(kind, field, the columns it comes from)."""
    users, title = settings.users, settings.sections.title
    parts = {"classes.classCode"} if "{code}" in title else set[str]()
    return [
        ("user", "username", {_login(settings)}),
        ("user", "email", {"users.email"} if users.email == "email" else set()),
        ("user", "middle_name", {"users.middleName"}),
        ("user", "preferred_first_name", {"users.preferredGivenName"} if users.preferred_name != "none" else set()),
        ("user", "graduation_year", {"users.grades"} if users.graduation_year == "from_grade" else set()),
        ("section", "location", {"classes.location"}),
        ("section", "title", parts | ({"classes.periods"} if "{period}" in title else set())),
    ]


def _login(settings: Settings) -> str:
    return f"users.{_USERNAME.get(settings.users.username, settings.users.username)}"


def hold_newcomers(db: Connection, settings: Settings) -> None:
    """Whom an unknown column may have kept out (disabled, ended, left out by rule 7) is not made before a person has
    looked, or the column is back."""
    unknown = unknown_columns(db)
    exclude = settings.exclude
    users = {"users.status", "users.enabledUser", "roles.status", "roles.beginDate", "roles.endDate", _login(settings)}
    users |= {"users.grades"} if exclude.grades else set()
    users |= {"users.email"} if exclude.emails else set()
    sections = {"classes.status"}
    sections |= {"classes.grades"} if exclude.grades else set()
    sections |= {"classes.classType"} if exclude.class_types else set()
    sections |= {"classes.subjects", "courses.subjects"} if exclude.subjects else set()
    sections |= {"courses.courseCode"} if exclude.courses else set()
    enrollments = {"enrollments.status", "enrollments.beginDate", "enrollments.endDate"}
    for kind, sources in (("user", users), ("section", sections), ("enrollment", enrollments)):
        if unknown & sources:
            db.execute(f"UPDATE changes_{kind} SET reason = 'columns' WHERE action = 'create' AND reason IS NULL")
