"""The sourcedIds of people whose unique id is another one (rule 8): grades name students by sourcedId. Kept beside the
ledger as a small file; sends nothing.

People who have gone stay in it, for their grades may still be there. Of two that claim one unique id, neither is in it.
"""

from __future__ import annotations

from typing import Any, Final

from rollbook.core.duck import Connection, quote, write_parquet
from rollbook.pipeline.run_types import Request, World

FACT: Final = "person_ids"


def keep_person_ids(db: Connection, request: Request, world: World) -> dict[str, Any]:
    """Write down who is who, from the staged users and what was known before; returns the facts to remember, none where
    the unique id is the sourcedId. Raises BlobLost."""
    by = request.settings.users.unique_id
    if by == "sourcedId":
        return {}
    known = world.memory.facts().get(FACT) or {}
    before = ""
    if known.get("by") == by:
        path = quote(world.blobs.get(known["blob"], "the list of who is who"))
        before = f"""UNION ALL SELECT unique_id, sourced_id FROM read_parquet({path})
                     WHERE unique_id NOT IN (SELECT "{by}" FROM users WHERE NOT gone AND "{by}" IS NOT NULL)"""
    query = f"""
        SELECT "{by}" AS unique_id, min("sourcedId") AS sourced_id FROM users
        WHERE NOT gone AND "{by}" IS NOT NULL AND "sourcedId" IS NOT NULL
        GROUP BY 1 HAVING count(DISTINCT "sourcedId") = 1 {before} ORDER BY unique_id"""
    file = world.work / "person-ids.parquet"
    write_parquet(db, query, file)
    return {FACT: {"by": by, "blob": world.blobs.put(file)}}
