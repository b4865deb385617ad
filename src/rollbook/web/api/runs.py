"""Runs: list, show, ask for, cancel, apply, undo; their changes and findings."""

from __future__ import annotations

from typing import Any, Final

from rollbook.actions import runs as actions
from rollbook.actions.runs import Wanted
from rollbook.store.blobs import KeptBlobs, open_blobs
from rollbook.store.finding_groups import grouped_findings
from rollbook.store.models import Run
from rollbook.store.outcome_spans import answers, spans
from rollbook.store.plan_rows import Chosen, numbers_of_page
from rollbook.store.refusals import refused_since
from rollbook.store.rows import change_rows, with_answers, with_refusals
from rollbook.store.runs import stored_plan, stored_result
from rollbook.store.setup import opened
from rollbook.store.summary import run_summaries, run_summary
from rollbook.web.access import Who
from rollbook.web.api.answers import Refused
from rollbook.web.api.operations import Asked, missing, operation
from rollbook.web.api.shapes import ApplyBody, ChangesQuery, FindingsQuery, RunBody, RunsQuery, UndoBody

#: Holds shown with a run of a list: there may be thousands, and the run alone has them all.
_HOLDS: Final = 20


@operation("GET", "/runs", who=Who.READER, query=RunsQuery, answer="runs")
def list_runs(asked: Asked) -> dict[str, Any]:
    """The runs of the organization, the newest first; of each the first twenty holds."""
    found = Run.objects.filter(organization=asked.place.organization)
    if asked.query.before is not None:
        found = found.filter(pk__lt=asked.query.before)  # ids sort by time
    if asked.query.state is not None:
        found = found.filter(state=asked.query.state)
    return {"runs": run_summaries(found.order_by("-pk"), most=asked.query.limit, holds=_HOLDS)}


@operation("POST", "/runs", who=Who.ACTING, body=RunBody, answer="run", status=202)
def request_run(asked: Asked) -> dict[str, Any]:
    """Ask for a run; with dry_run it only plans. An equal one that is queued already is answered instead."""
    body = asked.body
    wanted = Wanted(
        kinds=body.kinds,
        schools=body.schools,
        dry_run=body.dry_run,
        compare_live=body.compare_live,
        retry_refused=body.retry_refused,
        despite_blackout=body.despite_blackout,
    )
    return run_summary(actions.request_run(org=asked.slug, wanted=wanted, by=asked.by))


@operation("GET", "/runs/<str:run>", who=Who.READER, answer="run")
def show_run(asked: Asked) -> dict[str, Any]:
    """One run: its state, counts, holds, and where it is."""
    return run_summary(_run(asked))


@operation("POST", "/runs/<str:run>/cancel", who=Who.ADMINISTRATOR, answer="run", conflict=True)
def cancel_run(asked: Asked) -> dict[str, Any]:
    """Stop a run; what it sent stays, and is written down. Any system administrator may."""
    return run_summary(actions.cancel_run(run_id=_run(asked).pk, by=asked.by))


@operation("POST", "/runs/<str:run>/apply", who=Who.ACTING, body=ApplyBody, answer="run", status=202, conflict=True)
def apply_run(asked: Asked) -> dict[str, Any]:
    """Send the stored plan of a dry run. 409 when it is stale, or is no plan."""
    despite = asked.body.despite_blackout
    return run_summary(actions.request_apply(run_id=_run(asked).pk, by=asked.by, despite_blackout=despite))


@operation("POST", "/runs/<str:run>/undo", who=Who.ACTING, body=UndoBody, answer="run", status=202, conflict=True)
def undo_run(asked: Asked) -> dict[str, Any]:
    """Take back what a run sent, where nothing moved on since, and pin it against the SIS (grades: against
    the LMS)."""
    body = asked.body
    part = actions.Part(schools=body.schools, sections=body.sections, persons=body.persons)
    return run_summary(actions.request_undo(run_id=_run(asked).pk, by=asked.by, dry_run=body.dry_run, part=part))


@operation("GET", "/runs/<str:run>/changes", who=Who.READER, query=ChangesQuery, answer="changes", conflict=True)
def list_changes(asked: Asked) -> dict[str, Any]:
    """What the run's plan changes, and what became of it. 409 when the run has no plan (yet, or any more)."""
    run, query = _run(asked), asked.query
    plan = stored_plan(run)
    if plan is None:
        raise Refused(409, "ConfigError", f"run {run.pk} has no plan")
    after = -1 if query.after is None else query.after
    chosen = Chosen(
        kind=query.kind or "",
        action=query.action or "",
        school=query.school,
        hold=query.hold or "",
        status=query.outcome or "",
    )
    known = spans(run, plan.digest) if query.outcome else ()
    numbers = numbers_of_page(plan, _blobs(), chosen, most=query.limit, after=after, outcomes=known)
    rows = change_rows(plan, _blobs(), kind=query.kind, action=None, school=None, hold=None, only=numbers)
    page = list(with_answers(rows, answers(run.pk, plan.digest, numbers)))
    return {"run": run.pk, "changes": list(with_refusals(page, refused_since(run, [row["key"] for row in page])))}


@operation("GET", "/runs/<str:run>/findings", who=Who.READER, query=FindingsQuery, answer="findings")
def list_findings(asked: Asked) -> dict[str, Any]:
    """What was wrong with the input, by cause, each with its fix and the first few places."""
    run, query = _run(asked), asked.query
    blob = stored_result(run).findings_blob
    file = _blobs().get(blob, "the findings of this run") if blob else None
    return {"run": run.pk, "findings": grouped_findings(file, query.examples, query.code) if file else []}


def _run(asked: Asked) -> Run:
    found = Run.objects.select_related("organization").filter(organization=asked.place.organization)
    run = found.filter(pk=asked.parts["run"]).first()
    if run is None:
        raise missing("run")
    return run


def _blobs() -> KeptBlobs:
    return open_blobs(opened())
