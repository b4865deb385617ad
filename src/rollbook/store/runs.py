"""How a run's plan and end are written down, with the holds it found. Only under the run's lease."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from rollbook.core.protocols import Hold
from rollbook.core.stored import RunFigures, RunResult, StoredPlan
from rollbook.errors import Interrupted, RollbookError, known_name
from rollbook.roster.lms import KINDS
from rollbook.roster.shapes import learned
from rollbook.store.lease import Lease
from rollbook.store.locks import lock_organization
from rollbook.store.models import HoldRow, HoldState, Organization, PermitRow, River, Run, RunState
from rollbook.store.notices import note_end
from rollbook.store.permits import of_year
from rollbook.store.plain import without_nul
from rollbook.store.refusals import longest_refused
from rollbook.store.results import part, text_of

#: A run whose worker died this often without progress is not tried again.
MOST_TAKEOVERS = 3


class ShownResult(RunFigures, kw_only=True):
    """The part of a RunResult that pages of one run show."""

    findings_blob: str | None = None


def stored_plan(run: Run) -> StoredPlan | None:
    """The plan of a run as the pipeline knows it."""
    return None if run.plan is None else msgspec.convert(run.plan, learned(StoredPlan))


def stored_result(run: Run) -> RunResult:
    """The result of a run; empty counts when it has none."""
    return RunResult() if run.result is None else msgspec.convert(run.result, learned(RunResult))


def shown_result(run: Run) -> ShownResult:
    """What pages tell of a run's result, which is large where much is held."""
    found = Run.objects.filter(pk=run.pk).order_by().annotate(text=text_of("result"))
    return part(found.values_list("text", flat=True).first(), ShownResult)


def keep_plan(lease: Lease, result: RunResult) -> None:
    """Write the plan down before anything of it is sent (principle 2), with what planning found out: whoever takes the
    run over goes on from here."""
    with lease.writing() as run:
        _keep_result(run, result)
        run.save(update_fields=["plan", "result", "figures", "requests_sis", "requests_lms"])


def end_run(lease: Lease, result: RunResult) -> Run:
    """The run ended well: planned, done or held."""
    with transaction.atomic():
        lock_organization(lease.organization)  # its holds are replaced, and somebody may be deciding about one
        with lease.writing() as run:
            _keep_result(run, result)
            run.state = RunState(result.state)
            run.settled = True
            _close(run)
            if run.applies_id is None:  # that plans nothing anew
                _replace_holds(run, result)
            if not run.dry_run:
                _use_permits(run)
            if run.compare_live and _covers_everything(run):
                Organization.objects.filter(pk=run.organization_id).update(compare_live=False)
            note_end(run)
    return run


def fail_run(lease: Lease, error: RollbookError, *, cancelled: bool = False) -> Run:
    """The run ended badly; what it sent is settled now or before the organization's next plan."""
    with lease.writing() as run:
        run.state = RunState.CANCELLED if cancelled else RunState.FAILED
        run.error, run.error_name, run.error_who = without_nul(str(error)), known_name(error), error.who
        _close(run)
        note_end(run)
    return run


def settle_run(lease: Lease, run_id: str, result: RunResult) -> None:
    """What a broken run had sent is in the ledger now; its counts are kept, its holds are not."""
    with lease.writing():
        run = Run.objects.get(pk=run_id)
        _keep_result(run, result)
        run.settled = True
        run.save()


def requeue(run: Run) -> None:
    """Nobody works on this running run any more: queue it again. Three times without getting further, and it fails."""
    reached = run.outcomes.count() + (run.plan is not None)
    run.takeovers = 1 if reached > run.takeover_slices else run.takeovers + 1
    run.takeover_slices = reached
    run.state = RunState.QUEUED
    if run.takeovers >= MOST_TAKEOVERS:
        run.state, run.ended_at = RunState.FAILED, timezone.now()
        run.error_name, run.error_who, run.error = Interrupted.__name__, Interrupted.who, _interrupted(run)
    run.lease_owner, run.progress = "", None
    run.save()
    if run.ended:
        note_end(run)


def _interrupted(run: Run) -> str:
    stage = (run.progress or {}).get("stage")
    where = f", the last time in the stage {stage!r}" if stage else ""
    return (
        f"the run was interrupted {run.takeovers} times without getting any further{where}; "
        "most likely the system ended its worker, e.g. for want of memory"
    )


def give_up(lease: Lease) -> None:
    """The worker cannot go on with this run, and does not know why: as if it had died. Raises LeaseLost."""
    with lease.writing() as run:
        requeue(run)


def hand_back(lease: Lease) -> None:
    """The worker stops on purpose: another one goes on at once, and no takeover is counted. Raises LeaseLost."""
    with lease.writing() as run:
        run.state, run.lease_owner, run.progress = RunState.QUEUED, "", None
        run.save()


def unsettled_runs(organization: int) -> list[Run]:
    """Ended runs that sent something the ledger does not know yet, oldest first."""
    ended = Run.objects.filter(organization=organization, settled=False, plan__isnull=False)
    return list(ended.exclude(state__in=[RunState.QUEUED, RunState.RUNNING]))


def _keep_result(run: Run, result: RunResult) -> None:
    if result.plan is not None:
        run.plan = msgspec.to_builtins(result.plan)
    plain: dict[str, Any] = msgspec.to_builtins(
        msgspec.structs.replace(result, plan=None, refused=longest_refused(run))
    )
    run.result = without_nul(plain)
    run.figures = {name: run.result[name] for name in RunFigures.__struct_fields__}
    run.requests_sis, run.requests_lms = (result.requests.get(side) for side in ("sis", "lms"))


def _close(run: Run) -> None:
    run.ended_at = timezone.now()
    run.lease_owner, run.progress = "", None
    run.save()


def _covers_everything(run: Run) -> bool:
    """Only a whole sync makes up for what happened after a restored backup."""
    return not run.dry_run and not run.schools and set(run.kinds) == set(KINDS)


def _in_scope(run: Run, path: str = "") -> Q:
    """Holds that this run planned anew: of its kinds, and of its schools or sections."""
    kinds = Q(**{f"{path}kind__in": run.kinds})
    if run.river == River.GRADES and run.sections:  # a limit may hold what several sections have together
        whole = Q(**{f"{path}school__isnull": True, f"{path}run__sections": run.sections})
        return kinds & (Q(**{f"{path}school__in": run.sections}) | whole)
    return kinds & Q(**{f"{path}school__in": run.schools}) if run.schools else kinds


def _replace_holds(run: Run, result: RunResult) -> None:
    """A fresh plan replaces what an older one held; an undo has holds of its own. Where exactly the same changes were
    rejected, they stay rejected."""
    older = HoldRow.objects.filter(organization=run.organization_id, run__undo_of=run.undo_of_id).exclude(run=run)
    older = older.filter(run__preview_year="")
    decisions = older.filter(state__in=[HoldState.APPROVED, HoldState.REJECTED]).order_by("decided_at", "pk")
    decided = {(row.hold, row.digest): row for row in decisions}  # the last decision about the very same changes
    if run.preview_year:
        decided = {}
    else:
        older.filter(_in_scope(run), state=HoldState.WAITING).update(state=HoldState.SUPERSEDED)
    HoldRow.objects.bulk_create(
        _hold_row(run, hold, result.hold_blobs.get(hold.id, ""), decided.get((hold.id, hold.digest)))
        for hold in result.holds
    )


def _hold_row(run: Run, hold: Hold, changes: str, decided: HoldRow | None) -> HoldRow:
    row = HoldRow(
        organization_id=run.organization_id,
        run=run,
        hold=hold.id,
        reason=hold.reason,
        kind=hold.kind,
        action=hold.action,
        school=hold.school,
        count=hold.count,
        of=hold.of,
        school_name=without_nul(hold.school_name),
        changes=changes,
        digest=hold.digest,
        state=HoldState.PREVIEW if run.preview_year else HoldState.WAITING,
    )
    if decided is not None and decided.state == HoldState.REJECTED and hold.digest:
        row.state, row.by, row.why = HoldState.REJECTED, decided.by, decided.why
        row.decided_at = decided.decided_at
    return row


def _use_permits(run: Run) -> None:
    """Permits without an end are used up by the first run that could use them and ended well."""
    open_ended = PermitRow.objects.filter(
        _in_scope(run, "hold__"),
        of_year(run),
        organization=run.organization_id,
        hold__run__undo_of=run.undo_of_id,
        until__isnull=True,
        used_at__isnull=True,
        created_at__lte=run.started_at or run.created_at,
    )
    open_ended.update(used_at=timezone.now())
