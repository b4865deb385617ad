"""School years to choose from: those of the SIS, and those around today while the SIS was not asked yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from rollbook.engine.directory import known
from rollbook.roster.settings import ANY, SKIP, Settings
from rollbook.store.models import Organization

#: A school year begins in summer, wherever a SIS does not say so itself.
_SUMMER: Final = 7
SESSIONS: Final = "sis.academicSessions"


@dataclass(frozen=True, kw_only=True)
class Years:
    """`choices` are OneRoster years (the year in which each ends), latest first. `read_at` None: not from the SIS."""

    choices: list[str]
    read_at: datetime | None
    sessions: list[dict[str, Any]]

    def terms(self, year: str) -> list[dict[str, Any]]:
        """The sessions of a year that are no years themselves."""
        return [one for one in self.sessions if str(one.get("year")) == year and one.get("type") != "schoolYear"]


def known_years(organization: Organization, settings: Settings, today: date) -> Years:
    listed = known(organization, SESSIONS)
    sessions = listed.rows
    found = {str(one["year"]) for one in sessions if one.get("year")}
    if not found:
        ends = today.year + (today.month >= _SUMMER)
        found = {str(ends + step) for step in (-1, 0, 1)}
    if settings.active_year is not None:
        found.add(settings.active_year)
    return Years(choices=sorted(found, reverse=True), read_at=listed.read_at, sessions=sessions)


def year_words(year: str) -> str:
    """`2027` → `2026-2027`."""
    return f"{int(year) - 1}-{year}" if year.isdigit() else year


def mapped_terms(settings: Settings, terms: list[dict[str, Any]]) -> int:
    """How many of these sessions some school syncs."""

    def is_mapped(session: str) -> bool:
        return any(by.get(session, by.get(ANY, SKIP)) != SKIP for by in settings.terms.values())

    return sum(1 for one in terms if is_mapped(str(one.get("id", ""))))
