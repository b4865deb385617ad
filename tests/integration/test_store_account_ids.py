"""Which accounts the ledger has for graded members."""

from __future__ import annotations

from pathlib import Path

from rollbook.core.duck import write_parquet
from rollbook.roster.grades import Member
from rollbook.store.account_ids import AccountIds
from rollbook.store.blobs import open_blobs
from rollbook.store.models import LedgerVersionRow, Organization
from tests.cli.kit import open_store
from tests.scratch import in_memory


def member(user: str, unique_id: str | None) -> Member:
    return Member(id=f"m-{user}", user=user, unique_id=unique_id)


def test_by_account_and_by_unique_id_of_one_organization(tmp_path: Path) -> None:
    with open_store(tmp_path) as folder:
        maple, elm = (Organization.objects.create(slug=slug, name=slug) for slug in ("maple", "elm"))
        blobs = open_blobs(folder)
        path = tmp_path / "users.parquet"
        rows = "('ann', '7'), ('ben', '8'), ('cy', NULL), ('dee', '9')"
        write_parquet(in_memory(), f"SELECT * FROM (VALUES {rows}) t (key, lms_id)", path)
        LedgerVersionRow.objects.create(organization=maple, number=1, files={"user": blobs.put(path)})
        asked = [member("7", "else"), member("100", "ben"), member("101", "cy"), member("102", None)]
        assert AccountIds(maple.pk, blobs)(asked) == {"ann": "7", "ben": "8"}
        assert AccountIds(maple.pk, blobs)([]) == {}
        assert AccountIds(elm.pk, blobs)(asked) == {}, "nothing was synced there yet"
