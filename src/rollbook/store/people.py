"""Finds people of the ledger by what somebody typed, through the index that settling wrote. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rollbook.core.duck import Connection, quote
from rollbook.core.people_files import COLUMNS, EMAIL, FIRST, INDEX, KEY, LAST, LMS_ID, PEOPLE, USERNAME
from rollbook.core.protocols import Blobs

Row = dict[str, Any]
_NAMES: Final = (FIRST, LAST)
#: Sorts after every text that begins the same.
_END: Final = "\U0010ffff"
_MOST_WORDS: Final = 4


class People:
    """The people of one ledger version."""

    def __init__(self, db: Connection, people: Path, index: Path) -> None:
        self._db, self._people, self._index = db, people, index

    def by_id(self, text: str, *, most: int, made: bool = False) -> list[Row]:
        """Who has this LMS id, unique id, username or address, whole; capitals count in ids only."""
        ids = f"token = {quote(text)} AND what IN ({LMS_ID}, {KEY})"
        names = f"token = {quote(text.lower())} AND what IN ({USERNAME}, {EMAIL})"
        return self._rows([ids], most, made) + self._rows([names], most, made)

    def by_beginning(self, text: str, *, most: int, made: bool = False, logins: bool = True) -> list[Row]:
        """Whose names begin with these words, in any order, or, with `logins`, whose username or address does: by
        name."""
        words = text.lower().split()[:_MOST_WORDS]
        if not words:
            return []
        kinds: tuple[int, ...] = _NAMES
        if logins and len(words) == 1:
            kinds = (USERNAME, EMAIL) if "@" in text else (*_NAMES, USERNAME)
        return self._rows([_begins(word, kinds) for word in words], most, made)

    def by_key(self, key: str) -> Row | None:
        """The person with this unique id."""
        return next(iter(self._rows([f"token = {quote(key)} AND what = {KEY}"], 1, False)), None)

    def by_lms_id(self, lms_id: str) -> Row | None:
        return next(iter(self._rows([f"token = {quote(lms_id)} AND what = {LMS_ID}"], 1, False)), None)

    def _rows(self, conditions: Sequence[str], most: int, made: bool) -> list[Row]:
        """In the order of names. Every condition must be met by some text of the person."""
        some = [f"SELECT DISTINCT row FROM read_parquet({quote(self._index)}) WHERE {one}" for one in conditions]
        some[0] += " AND made" if made else ""
        rows = self._db.execute(f"{' INTERSECT '.join(some)} ORDER BY row LIMIT {int(most)}").fetchall()
        if not rows:
            return []
        numbers = ", ".join(str(number) for (number,) in rows)
        found = self._db.execute(
            f"""SELECT {", ".join(COLUMNS)} FROM read_parquet({quote(self._people)})
                WHERE row BETWEEN {rows[0][0]} AND {rows[-1][0]} AND row IN ({numbers}) ORDER BY row"""
        ).fetchall()
        return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def people_of(db: Connection, files: Mapping[str, str], blobs: Blobs) -> People | None:
    """None for a ledger that an earlier release wrote. Raises BlobLost."""
    if PEOPLE not in files or INDEX not in files:
        return None
    people, index = (blobs.get(files[name], "the list of people") for name in (PEOPLE, INDEX))
    return People(db, people, index)


def _begins(word: str, kinds: Sequence[int]) -> str:
    what = ", ".join(map(str, kinds))
    return f"token >= {quote(word)} AND token < {quote(word + _END)} AND what IN ({what})"
