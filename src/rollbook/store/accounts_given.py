"""Accounts of the LMS as the ledger knows them, for showing and looking up. Changes nothing.

Lists read the ledger's file, sorted by school and key, with filters and limits only; a search reads its index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rollbook.core.duck import Connection, parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.store.ledger import current_version
from rollbook.store.people import people_of

_FIELDS: Final = ("key", "first_name", "last_name", "username", "email", "role", "school", "origin", "lms_id")
_CHOSEN: Final = ", ".join(_FIELDS)
_MADE: Final = "origin IN ('created', 'unknown')"
_AT_ONCE: Final = 2000


@dataclass(frozen=True)
class Account:
    """One account; `origin` as in the ledger, `school` an org sourcedId."""

    key: str
    first_name: str | None
    last_name: str | None
    username: str | None
    email: str | None
    role: str | None
    school: str | None
    origin: str
    lms_id: str | None


class Accounts:
    """The accounts of an organization (its primary key), in the order of school and unique id."""

    def __init__(self, organization: int, blobs: Blobs) -> None:
        """Raises BlobLost when the ledger's file is gone."""
        self._blobs, self._files = blobs, current_version(organization).files
        key = self._files.get("user")
        self._path: Path | None = blobs.get(key, "the ledger of user") if key else None

    def page(self, *, start: int, most: int, text: str = "") -> list[Account]:
        """Accounts that Rollbook made, from number `start` on, at most `most`; `text` narrows them: a whole unique id,
        username or address, or the beginning of a name."""
        raw = " ".join(text.split())
        if not raw:
            return list(self._rows(f"{_MADE} LIMIT {int(most)} OFFSET {int(start)}", {}))
        with parquet_reader() as db:
            people = people_of(db, self._files, self._blobs)
            found = people.find(raw, start=start, most=most, made=True, logins=False) if people is not None else []
        return [Account(**row) for row in found]

    def every(self) -> Iterator[Account]:
        """All of the ledger, adopted ones too."""
        return self._rows("true", {})

    def known(self, names: Iterable[str]) -> list[Account]:
        """Accounts with one of these unique ids or usernames (capitals do not count in those)."""
        wanted = sorted({name for name in names if name})
        return list(self._rows("key IN (SELECT unnest($names)) OR lower(username) IN (SELECT unnest($small))", {
            "names": wanted, "small": sorted({name.lower() for name in wanted}),
        })) if wanted else []  # fmt: skip

    def by_key(self, keys: Sequence[str]) -> dict[str, Account]:
        """These accounts by unique id."""
        found = self._rows("key IN $names", {"names": list(keys)}) if keys else ()
        return {one.key: one for one in found}

    def _rows(self, where: str, parameters: dict[str, Any]) -> Iterator[Account]:
        if self._path is None:
            return
        with parquet_reader() as db:
            yield from _read(db, f"SELECT {_CHOSEN} FROM read_parquet({quote(self._path)}) WHERE {where}", parameters)


def _read(db: Connection, query: str, parameters: dict[str, Any]) -> Iterator[Account]:
    cursor = db.execute(query, parameters)
    while rows := cursor.fetchmany(_AT_ONCE):
        for row in rows:
            yield Account(*row)
