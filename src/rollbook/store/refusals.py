"""How long the LMS has been refusing records: for people, from what is remembered of refusals (rule 27)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from rollbook.store.models import RefusalRow, Run

#: Records shown with a run; `rollbook run changes --outcome refused` shows all.
SHOWN: Final = 10
_AT_ONCE: Final = 500


def longest_refused(run: Run) -> dict[str, Any]:
    """How many records of the run's kinds are refused now, and those that have been for longest."""
    rows = RefusalRow.objects.filter(organization=run.organization_id, kind__in=run.kinds)
    longest = rows.order_by("first", "-runs", "kind", "key")[:SHOWN]
    return {
        "records": rows.count(),
        "longest": [{"kind": row.kind, "key": row.key, **_since(row), "message": row.message} for row in longest],
    }


def refused_since(run: Run, keys: Collection[str] | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    """By kind and key: since when and in how many runs records have been refused, as known now; all, or those with
    these keys."""
    rows = RefusalRow.objects.filter(organization=run.organization_id)
    if keys is not None:
        rows = rows.filter(key__in=keys)
    if run.ended_at is not None:
        rows = rows.filter(first__lte=run.ended_at)  # what began later has nothing to do with this run
    return {(row.kind, row.key): _since(row) for row in rows.iterator()}


def refused_among(run: Run, places: Collection[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """As `refused_since`, of these kinds and keys only; a page asks for a few."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    keys = [key for _, key in places]
    for first in range(0, len(keys), _AT_ONCE):
        rows = RefusalRow.objects.filter(organization=run.organization_id, key__in=keys[first : first + _AT_ONCE])
        if run.ended_at is not None:
            rows = rows.filter(first__lte=run.ended_at)
        found |= {(row.kind, row.key): _since(row) for row in rows if (row.kind, row.key) in places}
    return found


def _since(row: RefusalRow) -> dict[str, Any]:
    again = None if row.retry_from is None else row.retry_from.isoformat(timespec="seconds")
    return {"since": row.first.isoformat(timespec="seconds"), "runs": row.runs, "retry_from": again}
