"""Who a unique id is in the SIS: the sourcedIds by which grades name students, where unique ids are others. Reads
only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from rollbook.core.duck import fill, parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.errors import ConfigError
from rollbook.roster.settings import Settings
from rollbook.store.models import FactRow


class PersonIds:
    """Asks the list that roster syncs keep. `by` is the field that is the unique id."""

    def __init__(self, organization: int, settings: Settings, blobs: Blobs) -> None:
        self._organization, self._by, self._blobs = organization, settings.users.unique_id, blobs
        self._path: Path | None = None

    def __call__(self, unique_ids: Collection[str]) -> Mapping[str, str]:
        """sourcedIds by unique id, of those who are known. Raises ConfigError where no sync has kept the list yet, and
        BlobLost."""
        if self._by == "sourcedId":
            return {each: each for each in unique_ids}
        path = self._list()
        with parquet_reader() as db:
            fill(db, "asked", {"unique_id": "VARCHAR"}, [(each,) for each in sorted(set(unique_ids))], temporary=True)
            rows = db.execute(
                f"""SELECT unique_id, sourced_id FROM read_parquet({quote(path)})
                    WHERE unique_id IN (SELECT unique_id FROM asked)"""
            ).fetchall()
        return dict(rows)

    def _list(self) -> Path:
        if self._path is None:
            row = FactRow.objects.filter(organization=self._organization, name="person_ids").first()
            if row is None or not row.value or row.value["by"] != self._by:
                raise ConfigError(
                    f"grades name students by sourcedId, and `users.unique_id` is {self._by}: who is who is not known "
                    "yet; sync Users once, then send grades"
                )
            self._path = self._blobs.get(row.value["blob"], "the list of who is who")
        return self._path
