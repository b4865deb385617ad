"""The last runs of an organization, as those ask who want to know why somebody is not in a class. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import msgspec

from rollbook.core.stored import StoredPlan
from rollbook.roster.shapes import learned
from rollbook.store.models import Run
from rollbook.store.results import part, text_of

#: So many runs back is looked.
_BACK: Final = 12


class _Parts(msgspec.Struct):
    """Of a result, what those who ask why want to know."""

    left_out: dict[str, str] = {}
    findings_blob: str | None = None
    verdicts: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A run that has made a plan. `fresh`: it read the SIS for it, and did not undo or send an earlier plan."""

    run: str
    state: str
    at: datetime
    kinds: Sequence[str]
    schools: Sequence[str]
    dry_run: bool
    fresh: bool
    plan: StoredPlan

    @property
    def left_out(self) -> Mapping[str, str]:
        """Names of blobs by kind."""
        return self._told.left_out

    @property
    def findings(self) -> str | None:
        """The name of a blob."""
        return self._told.findings_blob

    @property
    def unread(self) -> Mapping[str, str]:
        """By collection, why it was not read whole."""
        return self._told.verdicts

    @cached_property
    def _told(self) -> _Parts:
        """Of the result, which is large: only those of few runs are asked for."""
        rows = Run.objects.filter(pk=self.run).annotate(text=text_of("result"))
        return part(rows.values_list("text", flat=True).first(), _Parts)

    def covers(self, kind: str, school: str | None) -> bool:
        """Would a change of this kind at this school stand in its plan?"""
        return kind in self.kinds and (not self.schools or school is None or school in self.schools)


def last_readings(organization: int) -> list[Reading]:
    """The newest runs with a plan that is still kept, newest first."""
    runs = Run.objects.filter(organization=organization, started_at__isnull=False, preview_year="")
    runs = runs.order_by("-created_at", "-pk")
    known = ("pk", "state", "started_at", "kinds", "schools", "dry_run", "undo_of", "applies")
    rows = runs.annotate(plan_text=text_of("plan")).values(*known, "plan_text")[:_BACK]
    return [_reading(row) for row in rows if row["plan_text"] is not None]


def _reading(row: Mapping[str, Any]) -> Reading:
    return Reading(
        run=row["pk"],
        state=row["state"],
        at=row["started_at"],
        kinds=row["kinds"],
        schools=row["schools"],
        dry_run=row["dry_run"],
        fresh=row["undo_of"] is None and row["applies"] is None,
        plan=msgspec.json.decode(row["plan_text"], type=learned(StoredPlan)),
    )
