"""Finds people of the ledger by what somebody typed, through the files that settling wrote. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rollbook.core.duck import Connection, quote
from rollbook.core.people_files import COLUMNS, EMAIL, FILES, FIRST, IDS, LAST, PEOPLE, USERNAME, mark_of
from rollbook.core.protocols import Blobs

Row = dict[str, Any]
#: Sorts after every text that begins the same.
_END: Final = "\U0010ffff"
_MOST_WORDS: Final = 4


class People:
    """The people of one ledger version; `paths` are its files by name."""

    def __init__(self, db: Connection, paths: Mapping[str, Path]) -> None:
        self._db = db
        self._source = {name: f"read_parquet({quote(path)})" for name, path in paths.items()}

    def find(self, text: str, *, most: int, start: int = 0, made: bool = False, logins: bool = True) -> list[Row]:
        """Who has this LMS id, unique id, username or address, whole (capitals count in ids only); then whose names
        begin with these words, in any order, or, with `logins`, whose username or address does: by name. From number
        `start` on. All files are asked at once and people are read once: each question takes longer to begin than to
        answer."""
        words = text.lower().split()[:_MOST_WORDS]
        if not words:
            return []
        token = f"token = {quote(text.lower())}"
        whole = [self._ids(text, made), *(self._texts(name, token, made) for name in (USERNAME, EMAIL))]
        asked = [f"SELECT row, 0 AS place FROM ({' UNION ALL '.join(whole)})"]
        if files := _begun(text, words, logins):
            each = (" UNION ALL ".join(self._texts(name, _begins(word), made) for name in files) for word in words)
            asked.append(f"SELECT row, 1 AS place FROM ({' INTERSECT '.join(f'({one})' for one in each)})")
        found = self._db.execute(
            f"""SELECT row FROM ({" UNION ALL ".join(asked)}) GROUP BY row ORDER BY min(place), row
                LIMIT {int(most)} OFFSET {int(start)}"""
        ).fetchall()
        return self._read([number for (number,) in found])

    def by_key(self, key: str) -> Row | None:
        """The person with this unique id."""
        return next((row for row in self._rows(self._ids(key, False), 2) if row["key"] == key), None)

    def names(self, keys: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
        """First and last names of these people, by unique id: for a few who may be anywhere."""
        if not keys:
            return {}
        some = ", ".join(str(mark_of(key)) for key in keys)  # written out, parts of the file are left out
        numbers = self._db.execute(f"SELECT DISTINCT row FROM {self._source[IDS]} WHERE mark IN ({some})").fetchall()
        rows = self._read(sorted(number for (number,) in numbers), ("key", "first_name", "last_name"))
        wanted = set(keys)
        return {row["key"]: (row["first_name"], row["last_name"]) for row in rows if row["key"] in wanted}

    def by_lms_id(self, lms_id: str) -> Row | None:
        return next((row for row in self._rows(self._ids(lms_id, False), 2) if row["lms_id"] == lms_id), None)

    def _ids(self, text: str, made: bool) -> str:
        return f"SELECT row FROM {self._source[IDS]} WHERE mark = {mark_of(text)}{' AND made' if made else ''}"

    def _texts(self, name: str, where: str, made: bool) -> str:
        return f"SELECT row FROM {self._source[name]} WHERE {where}{' AND made' if made else ''}"

    def _rows(self, numbers: str, most: int) -> list[Row]:
        """Of people with these numbers the first ones, by name."""
        found = self._db.execute(f"SELECT DISTINCT row FROM ({numbers}) ORDER BY row LIMIT {int(most)}").fetchall()
        return self._read([number for (number,) in found])

    def _read(self, numbers: Sequence[int], columns: Sequence[str] = COLUMNS) -> list[Row]:
        """In the order of the numbers."""
        if not numbers:
            return []
        found = self._db.execute(
            f"""SELECT row, {", ".join(columns)} FROM {self._source[PEOPLE]}
                WHERE row BETWEEN {min(numbers)} AND {max(numbers)} AND row IN ({", ".join(map(str, numbers))})"""
        ).fetchall()
        rows = {number: dict(zip(columns, values, strict=True)) for number, *values in found}
        return [rows[number] for number in numbers]


def people_of(db: Connection, files: Mapping[str, str], blobs: Blobs) -> People | None:
    """None for a ledger that an earlier release wrote. Raises BlobLost."""
    if not files.keys() >= set(FILES):
        return None
    return People(db, {name: blobs.get(files[name], "the list of people") for name in FILES})


def _begun(text: str, words: Sequence[str], logins: bool) -> tuple[str, ...]:
    """The files in which the beginnings of what was typed are looked for: an address is no name."""
    if not logins or len(words) > 1:
        return () if "@" in text and not logins else (LAST, FIRST)
    return (EMAIL,) if "@" in text else (LAST, FIRST, USERNAME)


def _begins(word: str) -> str:
    return f"token >= {quote(word)} AND token < {quote(word + _END)}"
