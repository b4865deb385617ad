"""What the LMS refuses, by what it says. Of refusals as they are remembered now; a run's own stand in its journal."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Count, F, Max, Min, QuerySet, Window
from django.db.models.functions import RowNumber

from rollbook.store.models import Organization, RefusalRow, Run
from rollbook.web.plan_words import SEVERAL

#: More refusals than these are not gathered for a page; the download has all.
MOST: Final = 2_000
_GROUPS: Final = 50
#: Records that are named of each cause, and about so many on a page.
_KEYS: Final = 10
_FEWEST: Final = 3
_NAMED: Final = 100


def refusals_by_message(run: Run, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Records of these kinds that are refused and were when the run ended, by kind and message, the oldest first."""
    rows = RefusalRow.objects.filter(organization=run.organization_id, kind__in=kinds)
    if run.ended_at is not None:
        rows = rows.filter(first__lte=run.ended_at)
    number = rows.count()
    if number > MOST:
        rows = RefusalRow.objects.filter(pk__in=rows.order_by("pk").values("pk")[:MOST])
    grouped = rows.order_by().values("kind", "message")
    counted = grouped.annotate(number=Count("pk"), since=Min("first"), runs=Max("runs"))
    every = list(counted.order_by("since", "kind", "message")[:_GROUPS])
    each = min(_KEYS, max(_FEWEST, _NAMED // max(1, len(every))))
    records, found = _records(rows, each), []
    for one in every:
        shown = records.get((one["kind"], one["message"]), [])
        words = SEVERAL.get(one["kind"], one["kind"])
        found.append({**one, "kind": words, "records": shown, "more": one["number"] - len(shown)})
    return {"number": number, "groups": found, "cut": number > MOST}


def _records(rows: QuerySet[RefusalRow], each: int) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By kind and message: `each` records, those refused for longest first."""
    place = Window(RowNumber(), partition_by=[F("kind"), F("message")], order_by=[F("first"), F("key")])
    first = rows.annotate(place=place).filter(place__lte=each).order_by("first", "key")
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in first.values("kind", "message", "key", "first", "runs", "retry_from"):
        found.setdefault((row["kind"], row["message"]), []).append(dict(row))
    return found


def longest_refused(organization: Organization, most: int) -> tuple[int, list[RefusalRow]]:
    """How many records an organization's LMS refuses, and those it has refused for longest."""
    rows = RefusalRow.objects.filter(organization=organization)
    return rows.count(), list(rows.order_by("first", "-runs", "kind", "key")[:most])
