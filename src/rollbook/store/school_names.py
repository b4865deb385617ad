"""What schools are called: as the SIS last told it, else as their buildings in the LMS are. Reads only."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.store.ledger import current_version
from rollbook.store.models import DirectoryRow

#: The list of the SIS's orgs, as `engine.directory` stores it: id, name, type, code, parent.
_ORGS: Final = "sis.orgs"


def school_names(organization: int, blobs: Blobs) -> dict[str, str]:
    """By org sourcedId, for the organization with this primary key. Schools without a known name are missing."""
    key = current_version(organization).files.get("building")
    names = dict(_buildings(str(blobs.get(key, "the ledger of building")))) if key else {}
    row = DirectoryRow.objects.filter(organization=organization, name=_ORGS).first()
    for one in row.rows if row is not None else ():
        if one.get("name"):
            names[str(one["id"])] = str(one["name"])
    return names


@lru_cache(maxsize=64)
def _buildings(path: str) -> tuple[tuple[str, str], ...]:
    """School and title of every building of a ledger file, which never changes."""
    with parquet_reader() as db:
        source = f"read_parquet({quote(Path(path))})"
        rows = db.execute(
            f"SELECT school, any_value(title) FROM {source} WHERE school IS NOT NULL GROUP BY 1"
        ).fetchall()
    return tuple((school, title) for school, title in rows if title)
