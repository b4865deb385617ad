"""Files beside the ledger of people, for finding one of a million by what somebody types. Written with the ledger;
decides nothing.

`people` has what lists show of each person, sorted by name, so that those with one name lie together. Beside it there
is one file each for usernames, addresses, first and last names: sorted by that text, with the number of the row in
`people` and whether Rollbook made the account (`made`); and one for ids, sorted by a mark of the id, as ids are long
and only asked for whole. A look-up reads one small part of such a file, where of the ledger, which is sorted by school,
whole columns would have to be read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from rollbook.core.duck import connect, quote, write_parquet

#: Names among the files of a ledger version; versions of earlier releases have none of them.
PEOPLE, IDS = "people", "people_ids"
USERNAME, EMAIL, FIRST, LAST = "people_username", "people_email", "people_first_name", "people_last_name"
#: What is sorted, in small letters; of last names each word.
TEXTS: Final = {
    USERNAME: "lower(username)",
    EMAIL: "lower(email)",
    FIRST: "lower(first_name)",
    LAST: "unnest(string_split(lower(last_name), ' '))",
}
FILES: Final = (PEOPLE, IDS, *TEXTS)
#: Columns of `people`, besides its `row`.
COLUMNS: Final = ("key", "first_name", "last_name", "username", "email", "role", "school", "origin", "lms_id")
#: Of a row of `people`: did Rollbook make the account?
MADE: Final = "origin IN ('created', 'unknown')"
#: Rows that are read for one person.
_GROUP_ROWS: Final = 16_384
#: Beside what the run's own engine holds. Each file is sorted alone, so that a million people fit in.
_MEMORY: Final = "250MB"


def mark(text: str) -> str:
    """A number for an id, as SQL of an SQL value."""
    return f"md5_number_lower({text})"


def mark_of(text: str) -> int:
    """The same number, of a text that is at hand."""
    return int.from_bytes(hashlib.md5(text.encode(errors="replace"), usedforsecurity=False).digest()[8:], "little")


def write_people(ledger: Path, folder: Path) -> dict[str, Path]:
    """All these files for the ledger's file of people, by name."""
    made = {name: folder / f"{name}.parquet" for name in FILES}
    scratch = folder / "people.duckdb"
    with connect(scratch, _MEMORY) as db:
        people = f"""
            SELECT CAST(row_number() OVER () - 1 AS UINTEGER) AS row, * FROM (
                SELECT {", ".join(COLUMNS)} FROM read_parquet({quote(ledger)})
                ORDER BY lower(last_name), lower(first_name), key)"""
        write_parquet(db, people, made[PEOPLE], rows=_GROUP_ROWS)
        source = f"read_parquet({quote(made[PEOPLE])})"
        ids = (f"SELECT {mark(name)} AS mark, row, {MADE} AS made FROM {source}" for name in ("key", "lms_id"))
        in_order = f"SELECT * FROM ({' UNION ALL '.join(ids)}) WHERE mark IS NOT NULL ORDER BY mark, row"
        write_parquet(db, in_order, made[IDS], rows=_GROUP_ROWS)
        for name, text in TEXTS.items():
            texts = f"SELECT {text} AS token, row, {MADE} AS made FROM {source}"
            in_order = f"SELECT * FROM ({texts}) WHERE token <> '' ORDER BY token, row"
            write_parquet(db, in_order, made[name], rows=_GROUP_ROWS)
    scratch.unlink(missing_ok=True)
    return made
