"""Finds, by what an LMS calls them, a section that Rollbook gave and a person that it synced. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.store.given_sections import GivenSection, given_sections
from rollbook.store.ledger import current_version

_MOST = 2


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """`unique_id` is the person's key in the ledger: what `users.unique_id` says (resolve.sql), often a sourcedId."""

    unique_id: str
    name: str
    lms_id: str | None = None


def section_named(
    organization: int, blobs: Blobs, year: str | None, *, code: str = "", lms_id: str = ""
) -> GivenSection | None:
    """The section of the year with this code and this LMS id, as far as they are given; None where there is none, or
    where the two are of different sections. Raises BlobLost."""
    if not code and not lms_id:
        return None
    found = [
        one
        for one in given_sections(organization, blobs, year, [code] if code else [])
        if not lms_id or one.lms_id == lms_id
    ]
    return found[0] if len(found) == 1 else None


def person_named(organization: int, blobs: Blobs, *, unique_id: str = "", lms_id: str = "") -> KnownPerson | None:
    """The person with this unique id and this LMS id, as far as they are given; None as for sections. Raises
    BlobLost."""
    key = current_version(organization).files.get("user")
    if key is None or not (unique_id or lms_id):
        return None
    path = quote(blobs.get(key, "the ledger of user"))
    asked = {"unique_id": unique_id, "lms_id": lms_id}
    with parquet_reader() as db:
        rows = db.execute(
            f"""SELECT key, first_name, last_name, lms_id FROM read_parquet({path})
                WHERE ($unique_id = '' OR key = $unique_id) AND ($lms_id = '' OR lms_id = $lms_id) LIMIT {_MOST}""",
            asked,
        ).fetchall()
    if len(rows) != 1:
        return None
    found, first, last, own = rows[0]
    return KnownPerson(found, " ".join(part for part in (first, last) if part), own)
