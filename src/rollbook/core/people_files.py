"""Two files beside the ledger of people, for finding one of a million by what somebody types. Written with the ledger;
decides nothing.

`people` has what lists show of each person, sorted by name, so that those with one name lie together. `people_index`
has every text by which a person is found, sorted, with the number of the row in `people` and whether Rollbook made the
account (`made`): a look-up reads one small part of each file, where the ledger, which is sorted by school, would have
to be read whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rollbook.core.duck import Connection, quote, write_parquet

#: Names among the files of a ledger version; versions of earlier releases have neither.
PEOPLE, INDEX = "people", "people_index"
#: What a text is: names by each of their words, usernames and addresses in small letters.
LMS_ID, KEY, USERNAME, EMAIL, FIRST, LAST = range(6)
#: Columns of `people`, besides its `row`.
COLUMNS: Final = ("key", "first_name", "last_name", "username", "email", "role", "school", "origin", "lms_id")
#: Rows that are read for one person.
_GROUP_ROWS: Final = 16_384
_MADE: Final = "origin IN ('created', 'unknown') AS made"
_TEXTS: Final = {
    LMS_ID: "lms_id",
    KEY: "key",
    USERNAME: "lower(username)",
    EMAIL: "lower(email)",
    FIRST: "lower(first_name)",
    LAST: "unnest(string_split(lower(last_name), ' '))",
}


def write_people(db: Connection, ledger: Path, folder: Path) -> dict[str, Path]:
    """Both files for the ledger's file of people, by name."""
    made = {name: folder / f"{name}.parquet" for name in (PEOPLE, INDEX)}
    write_parquet(
        db,
        f"""SELECT CAST(row_number() OVER () - 1 AS UINTEGER) AS row, * FROM (
                SELECT {", ".join(COLUMNS)} FROM read_parquet({quote(ledger)})
                ORDER BY lower(last_name), lower(first_name), key)""",
        made[PEOPLE],
        rows=_GROUP_ROWS,
    )
    source = f"read_parquet({quote(made[PEOPLE])})"
    texts = " UNION ALL ".join(
        f"SELECT {text} AS token, CAST({what} AS UTINYINT) AS what, row, {_MADE} FROM {source}"
        for what, text in _TEXTS.items()
    )
    write_parquet(
        db, f"SELECT * FROM ({texts}) WHERE token <> '' ORDER BY token, what, row", made[INDEX], rows=2 * _GROUP_ROWS
    )
    return made
