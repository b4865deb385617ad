"""Holds what was asked for against what the SIS has: schools and the active year. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rollbook.core.duck import Connection
from rollbook.errors import ConfigError
from rollbook.roster.settings import Settings

_SHOWN = 10


def check_asked(db: Connection, settings: Settings, schools: Sequence[str]) -> None:
    """Raises ConfigError for a school that the SIS does not have, and for an active year in which none of its academic
    sessions lies. Only after a whole read: what was not read may be there."""
    if schools:
        _check_schools(db, schools)
    years = _texts(db, "SELECT DISTINCT CAST(year AS VARCHAR) FROM sessions WHERE year IS NOT NULL ORDER BY 1")
    if settings.active_year is not None and years and str(settings.active_year) not in years:
        raise ConfigError(
            f"the SIS has no academic session of the active year {settings.active_year}; it has {_few(years)}. "
            "Correct active_year, or wait until the SIS has rolled over"
        )


def _check_schools(db: Connection, schools: Sequence[str]) -> None:
    orgs = _texts(db, 'SELECT DISTINCT "sourcedId" FROM orgs WHERE "sourcedId" IS NOT NULL ORDER BY 1')
    known = {*orgs, *_texts(db, "SELECT DISTINCT school FROM ledger_building WHERE school IS NOT NULL")}
    for school in schools:
        if known and school not in known:
            raise ConfigError(f"the SIS has no school {school!r}; it has {_few(orgs)}")


def _texts(db: Connection, question: str) -> list[str]:
    return [str(row[0]) for row in db.execute(question).fetchall()]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
