"""Deciding about held changes. Approving never sends old rows (rule 26)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from rollbook.actions.runs import queue_run
from rollbook.errors import ConfigError
from rollbook.store.audit import audit
from rollbook.store.locks import lock_organization
from rollbook.store.models import HoldRow, HoldState, PermitRow, Run, RunState


def approve_hold(
    *, hold_id: str, by: str, reason: str, until: datetime | None = None, org: str | None = None
) -> tuple[HoldRow, Run]:
    """Permit exactly the held changes and queue a run that plans afresh, dry if the held one was.

    Without `until` the permit is used up by the first sync that ends well. Raises ConfigError.
    """
    if until is not None and until <= timezone.now():
        raise ConfigError("--until lies in the past")
    with transaction.atomic():
        hold = _decide(hold_id, org, HoldState.APPROVED, by, reason)
        if not hold.changes:
            raise ConfigError(f"what hold {hold_id} held is no longer kept; plan again and approve what is held then")
        hold.until = until
        hold.save()
        PermitRow.objects.create(organization=hold.organization, hold=hold, blob=hold.changes, until=until)
        audit(by=by, action="approve hold", organization=hold.organization.slug, subject=hold_id, details=reason)
        return hold, _next_run(hold, by)


def reject_hold(*, hold_id: str, by: str, reason: str, org: str | None = None) -> HoldRow:
    """The held changes are not wanted; the very same hold is not asked about again. Raises ConfigError."""
    with transaction.atomic():
        hold = _decide(hold_id, org, HoldState.REJECTED, by, reason)
        hold.save()
        audit(by=by, action="reject hold", organization=hold.organization.slug, subject=hold_id, details=reason)
    return hold


def _decide(hold_id: str, org: str | None, state: HoldState, by: str, reason: str) -> HoldRow:
    if not by.strip() or not reason.strip():
        raise ConfigError("say who decides and why: --by NAME --reason TEXT")
    found = HoldRow.objects.select_related("organization", "run").filter(hold=hold_id)
    if org is not None:
        found = found.filter(organization__slug=org)
    open_states = [HoldState.WAITING]
    if state == HoldState.APPROVED:
        open_states.append(HoldState.REJECTED)  # people may change their mind
    last = found.last()
    waiting = list(found.filter(state__in=open_states)) if last and last.state in open_states else []
    if len({row.organization_id for row in waiting}) > 1:
        raise ConfigError(f"several organizations have a hold {hold_id}; say which with --org")
    if not waiting:
        words = f"is already {last.state}" if last else "does not exist; see: rollbook hold list ORG"
        raise ConfigError(f"hold {hold_id} {words}")
    hold = waiting[-1]
    lock_organization(hold.organization_id)
    hold.refresh_from_db(
        from_queryset=HoldRow.objects.select_for_update(no_key=True)
    )  # somebody may have decided while we waited
    if hold.state not in open_states:
        raise ConfigError(f"hold {hold_id} is already {hold.state}")
    hold.state, hold.by, hold.why, hold.decided_at = state, by, reason, timezone.now()
    return hold


def _next_run(hold: HoldRow, by: str) -> Run:
    """One queued run serves several approvals."""
    source = hold.run
    traits = {"kinds": source.kinds, "schools": source.schools, "dry_run": source.dry_run}
    queued = Run.objects.filter(
        organization=hold.organization, state=RunState.QUEUED, lease_epoch=0, compare_live=False, **traits
    )
    same = queued.filter(applies__isnull=True, undo_of__isnull=True).first()
    return same or queue_run(hold.organization, "sync after approval", by, **traits)
