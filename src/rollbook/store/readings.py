"""The last runs of an organization, as those ask who want to know why somebody is not in a class. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from rollbook.core.stored import StoredPlan
from rollbook.roster.shapes import learned
from rollbook.store.models import Run
from rollbook.store.results import part, text_of

#: So many runs back is looked.
_BACK: Final = 12


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A run that has made a plan. `fresh`: it read the SIS for it, and did not undo or send an earlier plan. `left_out`
    and `findings` name blobs; `unread` says by collection why it was not read whole."""

    run: str
    state: str
    at: datetime
    kinds: Sequence[str]
    schools: Sequence[str]
    dry_run: bool
    fresh: bool
    plan: StoredPlan
    left_out: Mapping[str, str]
    findings: str | None
    unread: Mapping[str, str]

    def covers(self, kind: str, school: str | None) -> bool:
        """Would a change of this kind at this school stand in its plan?"""
        return kind in self.kinds and (not self.schools or school is None or school in self.schools)


def last_readings(organization: int) -> list[Reading]:
    """The newest runs with a plan that is still kept, newest first."""
    runs = Run.objects.filter(organization=organization, started_at__isnull=False, preview_year="").order_by("-pk")
    known = ("pk", "state", "started_at", "kinds", "schools", "dry_run", "undo_of", "applies")
    texts = {"plan_text": text_of("plan"), "result_text": text_of("result")}
    rows = runs.annotate(**texts).values(*known, *texts)[:_BACK]
    return [_reading(row) for row in rows if row["plan_text"] is not None]


class _Parts(msgspec.Struct):
    left_out: dict[str, str] = {}
    findings_blob: str | None = None
    verdicts: dict[str, str] = {}


def _reading(row: Mapping[str, Any]) -> Reading:
    told = part(row["result_text"], _Parts)
    return Reading(
        run=row["pk"],
        state=row["state"],
        at=row["started_at"],
        kinds=row["kinds"],
        schools=row["schools"],
        dry_run=row["dry_run"],
        fresh=row["undo_of"] is None and row["applies"] is None,
        plan=msgspec.json.decode(row["plan_text"], type=learned(StoredPlan)),
        left_out=told.left_out,
        findings=told.findings_blob,
        unread=told.verdicts,
    )
