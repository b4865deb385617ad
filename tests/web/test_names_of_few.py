"""Names of a few people who may be at any school are found in the files that searching uses."""

from __future__ import annotations

from rollbook.connectors.memory.space import Space
from rollbook.core.duck import parquet_reader
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.ledger import current_version
from rollbook.store.looking import Files
from rollbook.store.models import Organization
from rollbook.web.grade_help import _found
from tests.web.world import run_now


def test_they_are_those_of_the_ledger(folder: DataFolder, world: Space) -> None:
    run_now(folder)
    organization = Organization.objects.get(slug="maple")
    keys = [row["sourcedId"] for row in world.rows["users"]][::7][:24]
    with parquet_reader() as db:
        few = _found(db, organization.pk, [*keys, "nobody"], None)
        files = Files(db, organization.pk, open_blobs(folder), other_id=False)
        rows = files.by_keys("user", keys, None, ("key", "first_name", "last_name"))
        assert current_version(organization.pk).files.get("people_ids")
        assert _found(db, organization.pk, [], None) == {}
    assert few == {key: (row["first_name"], row["last_name"]) for key, row in rows.items()} != {}
