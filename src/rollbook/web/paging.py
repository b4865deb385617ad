"""Lists in pages: which rows are shown, and the addresses of the pages before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Piece(Generic[T]):
    """One page of a list. `number` counts from 1; `before` and `after` are query strings, empty where there is none."""

    rows: Sequence[T]
    number: int
    first: int
    last: int
    of: int
    before: str
    after: str


def piece(rows: Sequence[T], query: Mapping[str, str], size: int) -> Piece[T]:
    """The page `query["page"]` (1 when it is missing or odd) of at most `size` rows; the rest of the query stays."""
    asked = str(query.get("page", ""))
    pages = max(1, -(-len(rows) // size))
    number = min(max(1, int(asked) if asked.isdecimal() and len(asked) < 7 else 1), pages)
    start = (number - 1) * size
    shown = rows[start : start + size]

    def at(page: int) -> str:
        return "?" + urlencode({**query, "page": page}) if 1 <= page <= pages else ""

    return Piece(
        rows=shown, number=number, first=start + 1 if shown else 0, last=start + len(shown), of=len(rows),
        before=at(number - 1), after=at(number + 1),
    )  # fmt: skip


def kept_query(given: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """The parts of a query that links and forms of the page keep, without empty ones."""
    return {name: str(given[name])[:200] for name in names if given.get(name)}
