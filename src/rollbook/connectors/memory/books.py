"""The SIS's gradebook of a space, as data: categories, line items, results, and what this SIS refuses. Not part of a
connector; `book_server.py` is what the SIS does with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollbook.roster.grades import GRADE_KINDS, SinkLimits, SisCategory

Record = Mapping[str, Any]


@dataclass
class SisBook:
    """`records` are fields of objects by kind and sourcedId, references as sourcedIds. `makes_ids`: a new line item
    gets an id of the SIS's own instead of ours, and so a second one when it is sent twice."""

    limits: SinkLimits = field(default_factory=lambda: SinkLimits(letters=True, flags=True))
    makes_ids: bool = False
    categories: list[SisCategory] = field(default_factory=list)
    records: dict[str, dict[str, Record]] = field(default_factory=lambda: {kind: {} for kind in GRADE_KINDS})
    made: int = 0

    def __repr__(self) -> str:  # results are personal data
        return f"SisBook(line_items={len(self.records['line_item'])}, results={len(self.records['result'])})"
