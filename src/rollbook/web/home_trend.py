"""How the counts of the last runs went, as small charts: bars of an SVG, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext_lazy

from rollbook.core.stored import RunFigures
from rollbook.roster.lms import ACTIONS
from rollbook.store.models import Organization, Run, RunState
from rollbook.store.results import figures_text, part

RUNS: Final = 30
WIDTH, HEIGHT, STEP = 240, 48, 8
_ENDED: Final = (RunState.DONE, RunState.HELD)

Counts = Mapping[str, Mapping[str, int]]


class _Row(NamedTuple):
    run: str
    at: datetime
    kinds: Counts
    findings: Mapping[str, int]


def _users(row: _Row) -> int | None:
    """None when the run read none, as one of Courses alone."""
    return row.kinds.get("user", {}).get("read")


def _enrollments(row: _Row) -> int | None:
    return row.kinds.get("enrollment", {}).get("read")


def _changes(row: _Row) -> int:
    return sum(counts.get(action, 0) for counts in row.kinds.values() for action in ACTIONS)


def _refused(row: _Row) -> int:
    return sum(counts.get("refused", 0) for counts in row.kinds.values())


def _findings(row: _Row) -> int:
    return sum(row.findings.values())


#: Name, what it is called, and how it is counted of a run.
_CHARTS: Final[Sequence[tuple[str, Any, Callable[[_Row], int | None]]]] = (
    ("users", gettext_lazy("Users in the SIS"), _users),
    ("enrollments", gettext_lazy("Enrollments in the SIS"), _enrollments),
    ("changes", gettext_lazy("Changes planned"), _changes),
    ("refused", gettext_lazy("Refused by the LMS"), _refused),
    ("findings", gettext_lazy("Findings"), _findings),
)


def trend(organization: Organization) -> dict[str, Any]:
    """Charts of the last runs that sent, oldest first, and the rows of their table; nothing when there are none."""
    ended = Run.objects.filter(organization=organization, dry_run=False, state__in=_ENDED, undo_of__isnull=True)
    newest = ended.order_by("-created_at", "-pk").annotate(text=figures_text())
    told = ((pk, at, part(text, RunFigures)) for pk, at, text in newest.values_list("pk", "created_at", "text")[:RUNS])
    rows = [_Row(pk, at, found.kinds, found.findings) for pk, at, found in told][::-1]
    if not rows:
        return {"charts": [], "trend_rows": []}
    numbers = {name: [count(row) for row in rows] for name, _, count in _CHARTS}
    charts = [_chart(name, words, numbers[name]) for name, words, _ in _CHARTS]
    table = [
        {"run": row.run, "at": row.at, "numbers": [numbers[name][place] for name, _, _ in _CHARTS]}
        for place, row in enumerate(rows)
    ]
    return {"charts": charts, "trend_rows": table[::-1]}


def _chart(name: str, words: Any, numbers: Sequence[int | None]) -> dict[str, Any]:
    """Bars from left to right; a number above 0 is never lower than a hair, and what is not known is no bar."""
    known = [number for number in numbers if number is not None] or [0]
    highest = max(known)
    start = WIDTH - STEP * len(numbers)
    bars = []
    for place, number in enumerate(numbers):
        height = max(2, round(number / highest * HEIGHT)) if number else 0
        bars.append({"x": start + place * STEP, "y": HEIGHT - height, "height": height})
    return {
        "name": name,
        "words": words,
        "bars": bars,
        "last": known[-1],
        "lowest": min(known),
        "highest": highest,
        "runs": len(known),
    }
