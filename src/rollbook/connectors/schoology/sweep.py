"""Judges whether the pages of a list add up to the whole of it. Pure; asks nothing.

Paging is by offset (`start`, `limit`), with `total` and `links.next` (Schoology REST API v1, conventions). Pages may be
shorter than was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rollbook.connectors.schoology.lenient import Json, ident, items, mapping, number, optional, text

#: The shortest page that is documented: fewer records are all there are, though nothing says so.
_DEFAULT_LIMIT: Final = 20


def by_id(row: Json) -> str:
    """By what most records are known again: their id."""
    return ident(row.get("id")) or ident(row.get("uid")) or repr(sorted(row))


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How a collection comes: its list stands at the end of `path`, a record is known again by its `name`. `lane`:
    pages are cut for each value of this field (grade items: ordinary ones, and final ones). `silent`: there may be more
    pages though neither a total nor links say so (grades: no sample shows any)."""

    path: tuple[str, ...]
    name: Callable[[Json], str] = by_id
    lane: str = ""
    silent: bool = False


class Sweep:
    """One pass over a collection: how much came, and whether it adds up with the totals that came with it."""

    def __init__(self, listing: Listing, asked: int) -> None:
        """`asked` is the page size that is asked for."""
        self.finished = False
        self._listing, self._asked = listing, asked
        self._lanes: Counter[str] = Counter()
        self._names: set[str] = set()
        self._total: int | None = None
        self._linked = False
        self._moved = False

    @property
    def start(self) -> int:
        """Where the next page begins."""
        return max(self._lanes.values(), default=0)

    def rows(self, body: object) -> list[Json] | None:
        """The records of a page; None where there is no such list."""
        found = items(body, *self._listing.path)
        return None if found is None else [mapping(each) for each in found]

    def add(self, body: object, rows: list[Json]) -> list[Json]:
        """Take a page; its rows that are new in this sweep."""
        more = self._hear(body)
        fresh = {name: row for row in rows if (name := self._listing.name(row)) not in self._names}
        self._names.update(fresh)
        self._lanes.update(text(row.get(self._listing.lane)) if self._listing.lane else "" for row in rows)
        untold = self._listing.silent and self._total is None and not self._linked
        unpaged = untold and bool(rows) and not fresh  # the same again: it came whole at first
        self._moved |= len(fresh) != len(rows) and not unpaged
        if untold:
            complete = unpaged or len(rows) < min(self._asked, _DEFAULT_LIMIT)
        else:
            complete = not more if self._total is None else self._lanes.total() >= self._total
        self._moved |= not fresh and not complete
        self.finished = not fresh or (complete and not more)
        return list(fresh.values())

    def _hear(self, body: object) -> bool:
        """Note the total, wherever the body has it; is there a link to a next page?"""
        known = mapping(body)
        told = {**mapping(known.get(self._listing.path[0])), **known}
        total = number(told.get("total"))
        if self._total is not None and total is not None and total != self._total:
            self._moved = True
        self._total = self._total if total is None else total
        links = mapping(told.get("links"))
        self._linked |= bool(links)
        return optional(links.get("next")) is not None

    @property
    def steady(self) -> bool:
        return not self._moved and self._total in {None, len(self._names)}
