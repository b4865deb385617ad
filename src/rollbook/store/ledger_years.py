"""How many objects of which year the ledger knows: what another active year lets sleep, and wakes. Changes nothing."""

from __future__ import annotations

from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.roster.lms import KINDS
from rollbook.store.ledger import current_version


def counts_by_year(organization: int, blobs: Blobs) -> dict[str, dict[str, int]]:
    """By kind that belongs to a year, and by year. Raises BlobLost."""
    files = current_version(organization).files
    found: dict[str, dict[str, int]] = {}
    with parquet_reader() as db:
        for kind in (name for name, traits in KINDS.items() if traits.yearly and name in files):
            path = quote(blobs.get(files[kind], f"the ledger of {kind}"))
            counted = f"SELECT coalesce(year, ''), count(*) FROM read_parquet({path}) GROUP BY 1"
            found[kind] = {str(year): int(number) for year, number in db.execute(counted).fetchall()}
    return found
