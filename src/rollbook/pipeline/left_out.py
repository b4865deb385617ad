"""Left out: what the SIS lists and the LMS shall not have, with the reason, kept for those who ask why somebody is not
in a class. Decides and changes nothing; what is as it should be is not in it, for the ledger has that.
"""

from __future__ import annotations

from typing import Any, Final

from rollbook.core.duck import Connection, write_parquet
from rollbook.pipeline.field_map import username_of
from rollbook.pipeline.run_types import Request, Scope, World
from rollbook.pipeline.tables import statements

#: Rows that are read to find one key.
_GROUP_ROWS: Final = 16_384
#: What the SIS lists, which of it the LMS shall have (never more), and what the ledger has and the SIS does not list.
#: Where the first two are as many and the third is nothing, nothing was left out.
_LISTED: Final = {
    "user": (
        """users WHERE NOT gone AND "sourcedId" IS NOT NULL""",
        "desired_user",
        "ledger_user l ANTI JOIN present_user p ON p.unique_id = l.key",
    ),
    "section": (
        """classes WHERE NOT gone AND "sourcedId" IS NOT NULL""",
        "desired_section",
        "ledger_section l ANTI JOIN (SELECT id FROM classes_no JOIN classes c ON c.rowid = no AND NOT c.gone) n "
        "ON n.id = l.key",
    ),
    "enrollment": ("enrollments WHERE NOT gone", "want_enrollment", ""),
}


def keep_left_out(db: Connection, request: Request, world: World, scope: Scope) -> dict[str, str]:
    """Blob keys by kind (user, section, enrollment), each file sorted by its key, people with names first; a kind with
    nothing left out has none. Needs what resolve and compare have made."""
    settings = request.settings
    known: dict[str, Any] = {
        "whole": scope.read_whole,
        "other_id": settings.users.unique_id != "sourcedId",
        "year": scope.year,
        "today": request.today,
        "before": settings.enrollments.give_days_before,
        "exclusive": int(settings.enrollments.end_dates == "exclusive"),
    }
    blobs = {}
    for kind, query in statements("left_out"):
        if _nothing(db, kind) and not (kind == "user" and known["other_id"]):
            continue
        query = query.replace("{unique_id}", f'"{settings.users.unique_id}"')
        query = query.replace("{username}", username_of(settings.users))
        path = world.work / f"left-out-{kind}.parquet"
        used = {name: value for name, value in known.items() if f"${name}" in query}
        if write_parquet(db, query, path, used, rows=_GROUP_ROWS):
            blobs[kind] = world.blobs.put(path)
    return blobs


def _nothing(db: Connection, kind: str) -> bool:
    """Is it plain that nothing of this kind was left out?"""
    listed, wanted, gone = _LISTED[kind]
    numbers = f"SELECT (SELECT count(*) FROM {listed}) = (SELECT count(*) FROM {wanted})"
    as_many = db.execute(numbers).fetchone() == (True,)
    return as_many and (not gone or not db.execute(f"SELECT 1 FROM {gone} LIMIT 1").fetchall())
