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
        query = query.replace("{unique_id}", f'"{settings.users.unique_id}"')
        query = query.replace("{username}", username_of(settings.users))
        path = world.work / f"left-out-{kind}.parquet"
        used = {name: value for name, value in known.items() if f"${name}" in query}
        if write_parquet(db, query, path, used, rows=_GROUP_ROWS):
            blobs[kind] = world.blobs.put(path)
    return blobs
