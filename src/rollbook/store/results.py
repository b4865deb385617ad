"""Parts of runs' results, read from the text as it stands in the table. That of a large district lists thousands of
holds: to understand all of it for each run of a list, or to let the database look into it, would take most of a page's
time.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from django.db.models import TextField
from django.db.models.functions import Cast, Coalesce

from rollbook.roster.shapes import learned

T = TypeVar("T", bound=msgspec.Struct)


def text_of(column: str) -> Cast:
    """A JSON column as text, for `annotate`."""
    return Cast(column, TextField())


def figures_text() -> Coalesce:
    """A run's figures as text, for `annotate`; of a run that has none beside its result, the result."""
    return Coalesce(text_of("figures"), text_of("result"))


def part(text: str | None, shape: type[T]) -> T:
    """What of a JSON text has a place in this shape; all else is skipped. The shape's defaults where there is none."""
    return shape() if text is None else msgspec.json.decode(text, type=learned(shape))
