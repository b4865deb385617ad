"""What a day brought about in the gradebooks of a SIS, for the digest: numbers only, no person. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollbook.store.grade_words import HELPLESS
from rollbook.store.models import Organization, River, Run, RunState, SectionLine
from rollbook.store.newest_settings import newest_settings


@dataclass(frozen=True, kw_only=True)
class GradeDay:
    """Syncs that ended, those of them that failed; changes that the SIS took, refused, or never answered; and sections
    of the active year that ask for a person now."""

    syncs: int
    failed: int
    done: int
    refused: int
    unknown: int
    help: int


def grades_between(organization: Organization, since: datetime, until: datetime) -> GradeDay | None:
    """None where grades are not used: nothing went, and nothing waits."""
    ended = (RunState.DONE, RunState.HELD, RunState.FAILED)
    runs = Run.objects.filter(organization=organization, river=River.GRADES, dry_run=False, state__in=ended)
    counts = {"syncs": 0, "failed": 0, "done": 0, "refused": 0, "unknown": 0}
    some = runs.filter(ended_at__gt=since, ended_at__lte=until).order_by()
    for state, result in some.values_list("state", "result").iterator():
        counts["syncs"] += 1
        counts["failed"] += state == RunState.FAILED
        for kind in ((result or {}).get("kinds") or {}).values():
            for name in ("done", "refused", "unknown"):
                counts[name] += kind.get(name, 0)
    lines = SectionLine.objects.filter(organization=organization, status__in=HELPLESS)
    newest = newest_settings(organization.pk)
    if newest is not None and newest[1].active_year:
        lines = lines.filter(year=newest[1].active_year)
    found = GradeDay(**counts, help=lines.count())
    return found if found.syncs or found.help else None
