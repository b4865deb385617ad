"""Which accounts of the LMS the ledger has for people, for graded members of an LMS where unique ids prove nothing.
Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from rollbook.core.duck import fill, parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.roster.grades import Member
from rollbook.store.ledger import current_version


class AccountIds:
    """Asks the ledger of users as it is when it is first asked."""

    def __init__(self, organization: int, blobs: Blobs) -> None:
        self._organization, self._blobs = organization, blobs
        self._path: Path | None = None
        self._looked = False

    def __call__(self, members: Collection[Member]) -> Mapping[str, str]:
        """LMS ids by unique id, of everybody who has the account or the unique id of one of them. Raises BlobLost."""
        path = self._ledger()
        if path is None or not members:
            return {}
        asked = [(each.user, each.unique_id) for each in members]
        with parquet_reader() as db:
            fill(db, "asked", {"lms_id": "VARCHAR", "key": "VARCHAR"}, asked, temporary=True)
            rows = db.execute(
                f"""SELECT key, lms_id FROM read_parquet({quote(path)})
                    WHERE lms_id IN (SELECT lms_id FROM asked)
                       OR (lms_id IS NOT NULL AND key IN (SELECT key FROM asked WHERE key IS NOT NULL))"""
            ).fetchall()
        return dict(rows)

    def _ledger(self) -> Path | None:
        if not self._looked:
            key = current_version(self._organization).files.get("user")
            self._path = None if key is None else self._blobs.get(key, "the ledger of user")
            self._looked = True
        return self._path
