"""What the page of one run tells, ready for its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from rollbook.actions.runs import is_undoable
from rollbook.core.stored import StoredPlan
from rollbook.errors import BlobLost
from rollbook.roster.grades import ALL_KINDS
from rollbook.store.held import doubt_words
from rollbook.store.models import HoldRow, HoldState, River, Role, Run
from rollbook.store.newest_settings import newest_settings
from rollbook.store.plan_counts import plan_counts
from rollbook.store.runs import ShownResult, shown_result, stored_plan
from rollbook.store.summary import hold_summary
from rollbook.web.access import Place
from rollbook.web.error_words import error_said
from rollbook.web.lists import lms_notes
from rollbook.web.live_runs import counts_table, progress_of
from rollbook.web.plan_words import ACTION_WORDS, kind_of
from rollbook.web.run_findings import groups
from rollbook.web.run_refusals import refusals_by_message
from rollbook.web.run_words import STATE_SIGNS, STATE_WORDS, SYNC_TYPES, duration_words, run_title, stage_words
from rollbook.web.runs_shown import Asked, filters, names_of, stored_files
from rollbook.web.said import held_said, said
from rollbook.web.wording import sentence


def run_context(place: Place, run: Run, wanted: Asked) -> dict[str, Any]:
    """The context of `logs_run.html`."""
    result, plan, names = shown_result(run), stored_plan(run), names_of(place)
    kinds = SYNC_TYPES[wanted.sync].kinds if wanted.sync else tuple(ALL_KINDS)
    own = tuple(kind for kind in kinds if kind in run.kinds)
    return {
        "run": run,
        "title": run_title(run),
        "names": names,
        "state": STATE_WORDS[run.state],
        "sign": STATE_SIGNS[run.state],
        "only_schools": [names.get(school, school) for school in run.schools[:20]],
        "more_schools": max(0, len(run.schools) - 20),
        "is_grades": run.river == River.GRADES,
        "only_sections": run.sections[:20],
        "more_sections": max(0, len(run.sections) - 20),
        "took": duration_words(run.started_at, run.ended_at),
        "waited": duration_words(run.created_at, run.started_at),
        "stages": [(stage_words(stage), seconds) for stage, seconds in result.seconds.items()],
        "requests": result.requests,
        "live": None if run.ended else progress_of(run),
        "at": timezone.now(),
        "slug": place.organization.slug,
        "may_cancel": place.role == Role.ADMINISTRATOR and not run.ended,
        "doubts": [sentence(said(words)) for _, words in doubt_words(run, result)],
        "conflicts": [(words, number) for words, number in result.conflicts.items()],
        "holds": _holds(run, wanted, kinds),
        "refusals": refusals_by_message(run, own) if run.ended and own else None,
        "undoable": run.undo_of_id is None and is_undoable(run),
        "planned": plan is not None,
        "notes": _notes(place, run, own),
        "narrowed": wanted.query(state="") if wanted.school or wanted.sync else "",
        **_counts(run, result, plan, wanted, kinds),
        **_findings(result, wanted),
        **filters(place, names, wanted, states=False),
    }


def _notes(place: Place, run: Run, kinds: Sequence[str]) -> list[str]:
    """What of this run's kinds is in the LMS, where it calls them otherwise."""
    newest = newest_settings(place.organization.pk) if run.river == River.ROSTER else None
    return lms_notes(newest[1], *kinds) if newest else []


def _holds(run: Run, wanted: Asked, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = HoldRow.objects.filter(run=run.applies_id or run.pk, kind__in=kinds)
    if wanted.school:
        rows = rows.filter(school=wanted.school)
    return [_hold(row) for row in rows[:100]]


def _hold(row: HoldRow) -> dict[str, Any]:
    return {
        **hold_summary(row),
        "waits": row.state == HoldState.WAITING,
        "does": ACTION_WORDS.get(row.action, row.action),
        "what": kind_of(row.kind, row.count),
        "sentence": held_said(row.reason, row.action),
    }


def _counts(
    run: Run, result: ShownResult, plan: StoredPlan | None, wanted: Asked, kinds: tuple[str, ...]
) -> dict[str, Any]:
    """The counts of the run; of one school only what its plan says, as the rest is not counted by school."""
    if not wanted.school:
        some = {kind: counts for kind, counts in result.kinds.items() if kind in kinds}
        return {"counts": counts_table(some)}
    if plan is None:
        return {"counts": None}
    try:
        return {"counts": counts_table(_of_school(run.pk, plan, wanted.school, kinds)), "of_plan": True}
    except BlobLost as error:
        return {"counts": None, "counts_lost": error_said(error)}


def _of_school(run: str, plan: StoredPlan, school: str, kinds: tuple[str, ...]) -> dict[str, Mapping[str, int]]:
    counts = plan_counts(plan, stored_files(), run)
    return {kind: counts.of(school, kind) for kind in kinds if kind in plan.files}


def _findings(result: ShownResult, wanted: Asked) -> dict[str, Any]:
    if result.findings_blob is None:
        return {"findings": [], "findings_gone": bool(result.findings)}
    try:
        file = stored_files().get(result.findings_blob, "the findings of this run")
    except BlobLost as error:
        return {"findings": [], "findings_lost": error_said(error)}
    collections = SYNC_TYPES[wanted.sync].collections if wanted.sync else ()
    return {"findings": groups(file, school=wanted.school, collections=collections)}
