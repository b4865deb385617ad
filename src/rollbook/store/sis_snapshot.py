"""What the last delta read knew of the SIS: the snapshot, as those ask who want to know why. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollbook.core.duck import Connection, quote
from rollbook.core.protocols import Blobs
from rollbook.store.models import FactRow

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`full` is when the SIS was last read whole; since then only changes were read. `files` names blobs by
    collection."""

    full: datetime
    files: Mapping[str, str]

    def rows(self, db: Connection, blobs: Blobs, collection: str, asked: Mapping[str, str], most: int) -> list[Row]:
        """Records whose columns have these values, with `gone`: the SIS has marked them as deleted. Raises BlobLost."""
        key = self.files.get(collection)
        if key is None:
            return []
        path = quote(blobs.get(key, f"the snapshot of {collection}"))
        where = " AND ".join(f'"{column}" = ?' for column in asked)
        numbers = f"SELECT file_row_number FROM read_parquet({path}, file_row_number = true) WHERE {where} LIMIT {most}"
        found = db.execute(numbers, list(asked.values())).fetchall()  # of most rows only these columns are read
        if not found:
            return []
        chosen = ", ".join(str(number) for (number,) in found)
        cursor = db.execute(
            f"SELECT * FROM read_parquet({path}, file_row_number = true) WHERE file_row_number IN ({chosen})"
        )
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def snapshot_of(organization: int) -> Snapshot | None:
    """The organization's snapshot; None where no delta read is allowed, or none was kept yet."""
    fact = FactRow.objects.filter(organization=organization, name="snapshot").first()
    if fact is None or not fact.value:
        return None
    return Snapshot(full=datetime.fromisoformat(fact.value["full"]), files=fact.value["files"])


def first(rows: Sequence[Row]) -> Row | None:
    """The one that is not gone, if there is one."""
    return next((row for row in rows if not row["gone"]), rows[0] if rows else None)
