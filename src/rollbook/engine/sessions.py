"""Academic sessions as rows of a list, each with its school year. Pure.

The year is found as a run finds it (pipeline/sql/people.sql): the session's own, its nearest ancestor's, else guessed
from the end date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

Rows = Mapping[str, Mapping[str, str | None]]

_OTHER_DATES: Final = ("%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%Y%m%d")
_YEAR: Final = re.compile(r"(\d{4})(?:\s*[-/–]\s*(\d{4}|\d{2})$)?", re.ASCII)
_DEEPEST: Final = 8
#: A year that ends by July ends in that year.
_LAST_MONTH: Final = 7


def session_rows(sessions: Rows) -> list[dict[str, Any]]:
    """OneRoster rows by sourcedId as {id, title, type, start, end, year, parent}, sorted by dates. Dates that cannot be
    read are empty, and so is the year of a session that tells nothing of it."""
    rows = [
        {
            "id": key,
            "title": (row.get("title") or "").strip() or key,
            "type": (row.get("type") or "").strip(),
            "start": _day(row.get("startDate")),
            "end": _day(row.get("endDate")),
            "year": _year(sessions, key),
            "parent": (row.get("parentSourcedId") or "").strip(),
        }
        for key, row in sessions.items()
    ]
    return sorted(rows, key=lambda row: (row["start"], row["end"], row["title"].lower(), row["id"]))


def _year(sessions: Rows, key: str) -> str:
    at = key
    for _ in range(_DEEPEST + 1):
        row = sessions.get(at)
        if row is None:
            break
        own = _YEAR.match((row.get("schoolYear") or "").strip())
        if own:
            ends_later = own[2] is not None and int(own[2]) % 100 == (int(own[1]) + 1) % 100
            return str(int(own[1]) + ends_later)
        at = (row.get("parentSourcedId") or "").strip()
    end = _day(sessions[key].get("endDate"))
    return str(int(end[:4]) + (int(end[5:7]) > _LAST_MONTH)) if end else ""


def _day(text: str | None) -> str:
    """A date as YYYY-MM-DD; empty when it cannot be read."""
    text = (text or "").strip()
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        pass
    for form in _OTHER_DATES:
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    return ""
