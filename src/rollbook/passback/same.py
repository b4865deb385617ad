"""When two sides of an object are the same: what is wanted, what was sent, what the SIS shows. Pure."""

from __future__ import annotations

from typing import Any, Final

from rollbook.passback.grade_types import Entry
from rollbook.roster.changes import Fields
from rollbook.roster.grades import FULLY, PARTIALLY

#: Fields that name an object, and some that are no reason to send it again: the date of a grade, and a description,
#: which only the SIS has.
NAMES: Final = frozenset({"line_item", "student", "class", "school", "date", "description"})
#: Fields that are cleared by sending nothing; of the others, what we do not send is the SIS's own.
_MEANT: Final = frozenset({"score", "comment"})
#: States of a result that has a score; beside others a SIS may leave it out.
_SCORED: Final = frozenset({FULLY, PARTIALLY})


def moved(live: Fields, entry: Entry) -> bool:
    """Did somebody change it in the SIS since we sent it? What the SIS showed then counts, as it may write things in
    its own way; where it was not asked, what was sent or may have been sent."""
    if entry.sis is not None and not differ(live, entry.sis):
        return False
    if entry.tried is not None and shows(live, entry.tried):
        return False
    return entry.sis is not None or not shows(live, entry.fields)


def shows(live: Fields, want: Fields) -> bool:
    """Does the SIS hold what is wanted, as far as it shows it?"""
    return not shown_otherwise(live, want)


def shown_otherwise(live: Fields, want: Fields) -> list[str]:
    """Names of the fields that the SIS shows and that are not as wanted."""
    names = [
        name
        for name, value in live.items()
        if name not in NAMES
        and value is not None
        and (want.get(name) is not None or name in _MEANT)
        and not same(value, want.get(name))
    ]
    if want.get("score") is not None and live.get("score") is None and live.get("status") in _SCORED:
        names.append("score")
    return sorted(names)


def differ(one: Fields, other: Fields) -> bool:
    """Is anything of two sides not the same?"""
    return any(not same(one.get(name), other.get(name)) for name in (one.keys() | other.keys()) - NAMES)


def same(one: Any, other: Any) -> bool:
    """Are two values of a field the same, as far as SISs keep them?"""
    if isinstance(one, bool) or isinstance(other, bool):
        return bool(one) == bool(other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 1e-6  # SISs keep few digits
    return (one or None) == (other or None) if isinstance(one or other, str) else one == other
