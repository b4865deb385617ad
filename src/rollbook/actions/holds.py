"""Deciding about held changes. Approving never sends old rows (rule 26)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from rollbook.actions.grades import GradesWanted, request_grades
from rollbook.actions.organizations import find_organization
from rollbook.actions.runs import queue_run
from rollbook.errors import ConfigError
from rollbook.roster.lms import KINDS
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.locks import lock_organization
from rollbook.store.models import HoldRow, HoldState, PermitRow, River, Run, RunState


class HoldsMoved(ConfigError):
    """A newer run holds other changes than this person has looked at, or somebody decided about some of them."""

    who = "you: look at what waits now, and decide again"


def seen_mark(holds: Iterable[HoldRow]) -> str:
    """A mark of exactly what these hold and how they stand, for `seen`: what a person looked at before deciding."""
    text = "|".join(sorted(f"{hold.hold}:{hold.digest}:{hold.count}:{hold.state}" for hold in holds))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def approve_hold(
    *,
    hold_id: str,
    by: str,
    reason: str,
    until: datetime | None = None,
    org: str | None = None,
    seen: str | None = None,
) -> tuple[HoldRow, Run]:
    """Permit exactly the held changes and queue a run that plans afresh, dry if the held one was.

    Without `until` the permit is used up by the first sync that ends well. Raises ConfigError; HoldsMoved when `seen`
    is given and other changes are held by now.
    """
    _check_until(until)
    with transaction.atomic():
        hold = _decide(hold_id, org, HoldState.APPROVED, by, reason, seen=seen)
        _permit(hold, until)
        audit(by=by, action="approve hold", organization=hold.organization.slug, subject=hold_id, details=reason)
        return hold, _next_run([hold], by)[0]


def reject_hold(*, hold_id: str, by: str, reason: str, org: str | None = None, seen: str | None = None) -> HoldRow:
    """The held changes are not wanted; the very same changes are not asked about again. Raises ConfigError, HoldsMoved
    as for approve_hold."""
    with transaction.atomic():
        hold = _decide(hold_id, org, HoldState.REJECTED, by, reason, seen=seen)
        hold.save()
        audit(by=by, action="reject hold", organization=hold.organization.slug, subject=hold_id, details=reason)
    return hold


def approve_all(
    *, org: str, by: str, reason: str, until: datetime | None = None, seen: str | None = None
) -> tuple[list[HoldRow], list[Run]]:
    """Permit everything that waits in an organization, as one decision: one run for all syncs' holds, and one for each
    undo that waits. Raises ConfigError when nothing waits, HoldsMoved as for approve_hold."""
    _check_until(until)
    with transaction.atomic():
        holds = _decide_all(org, HoldState.APPROVED, by, reason, seen=seen)
        for hold in holds:
            _permit(hold, until)
        _audit_all("approve all holds", holds, org, by, reason)
        return holds, _next_run(holds, by)


def reject_all(*, org: str, by: str, reason: str, seen: str | None = None) -> list[HoldRow]:
    """Nothing of what waits in an organization is wanted. Raises ConfigError when nothing waits, HoldsMoved as for
    approve_hold."""
    with transaction.atomic():
        holds = _decide_all(org, HoldState.REJECTED, by, reason, seen=seen)
        for hold in holds:
            hold.save()
        _audit_all("reject all holds", holds, org, by, reason)
    return holds


def _check_until(until: datetime | None) -> None:
    if until is not None and until <= timezone.now():
        raise ConfigError("--until lies in the past")


def _check_named(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise ConfigError("say who decides and why: --by NAME --reason TEXT")


def _check_seen(holds: Sequence[HoldRow], seen: str | None) -> None:
    if seen is not None and seen != seen_mark(holds):
        raise HoldsMoved(say("what waits has changed since you looked at it"))


def _permit(hold: HoldRow, until: datetime | None) -> None:
    if not hold.changes:
        raise ConfigError(
            say("what hold %(hold)s held is no longer kept; plan again and approve what is held then", hold=hold.hold)
        )
    hold.until = until
    hold.save()
    PermitRow.objects.create(organization=hold.organization, hold=hold, blob=hold.changes, until=until)


def _audit_all(action: str, holds: Sequence[HoldRow], org: str, by: str, reason: str) -> None:
    audit(by=by, action=action, organization=org, subject=", ".join(hold.hold for hold in holds), details=reason)


def _decide_all(org: str, state: HoldState, by: str, reason: str, *, seen: str | None) -> list[HoldRow]:
    _check_named(by, reason)
    organization = find_organization(org)
    lock_organization(organization.pk)  # somebody else may be deciding about all of it
    rows = HoldRow.objects.select_related("organization", "run").filter(organization=organization)
    holds = list(rows.filter(state=HoldState.WAITING))
    if not holds:
        raise ConfigError(say("nothing waits for a decision in %(org)s", org=org))
    _check_seen(holds, seen)
    for hold in holds:
        hold.state, hold.by, hold.why, hold.decided_at = state, by, reason, timezone.now()
    return holds


def _decide(hold_id: str, org: str | None, state: HoldState, by: str, reason: str, *, seen: str | None) -> HoldRow:
    _check_named(by, reason)
    found = HoldRow.objects.select_related("organization", "run").filter(hold=hold_id, run__preview_year="")
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
        if last is None:
            raise ConfigError(say("hold %(hold)s does not exist; see: rollbook hold list ORG", hold=hold_id))
        raise ConfigError(say("hold %(hold)s is already %(state)s", hold=hold_id, state=say(last.state)))
    hold = waiting[-1]
    lock_organization(hold.organization_id)
    hold.refresh_from_db(
        from_queryset=HoldRow.objects.select_for_update(no_key=True)
    )  # somebody may have decided while we waited
    if hold.state not in open_states:
        raise ConfigError(say("hold %(hold)s is already %(state)s", hold=hold_id, state=say(hold.state)))
    _check_seen([hold], seen)
    hold.state, hold.by, hold.why, hold.decided_at = state, by, reason, timezone.now()
    return hold


def _next_run(holds: Sequence[HoldRow], by: str) -> list[Run]:
    """One queued run serves several approvals; an undo is asked for again as it was."""
    undos = {hold.run.undo_of_id: hold.run for hold in holds if hold.run.undo_of_id is not None}
    syncs = [hold.run for hold in holds if hold.run.undo_of_id is None and hold.run.river == River.ROSTER]
    grades = [hold.run for hold in holds if hold.run.river == River.GRADES]
    runs = [_next_sync(syncs, by)] if syncs else []
    runs += [_next_grades(grades, by)] if grades else []
    for source in undos.values():
        if source.undo_of is None or source.undo_of.plan is None:
            raise ConfigError(
                say(
                    "the plan of run %(run)s is no longer kept, so it cannot be undone any more",
                    run=str(source.undo_of_id),
                )
            )
        traits = {"kinds": source.kinds, "schools": source.schools, "persons": source.persons}
        undo_of = {"undo_of": source.undo_of, "dry_run": source.dry_run}
        runs.append(queue_run(source.organization, "undo after approval", by, **traits, **undo_of))
    return runs


def _next_grades(sources: Sequence[Run], by: str) -> Run:
    """A run of all sections of these; dry if all of them were."""
    sections, dry = _union(source.sections for source in sources), all(source.dry_run for source in sources)
    return request_grades(org=sources[0].organization.slug, sections=sections, by=by, wanted=GradesWanted(dry_run=dry))


def _next_sync(sources: Sequence[Run], by: str) -> Run:
    """A run that covers what these covered; dry if all of them were."""
    kinds = {kind for source in sources for kind in source.kinds}
    traits = {
        "river": River.ROSTER,
        "kinds": [kind for kind in KINDS if kind in kinds],
        "schools": _union(source.schools for source in sources),
        "dry_run": all(source.dry_run for source in sources),
        "preview_year": "",
    }
    organization = sources[0].organization
    queued = Run.objects.filter(
        organization=organization, state=RunState.QUEUED, lease_epoch=0, compare_live=False, **traits
    )
    same = queued.filter(applies__isnull=True, undo_of__isnull=True).first()
    return same or queue_run(organization, "sync after approval", by, **traits)


def _union(schools: Iterable[Sequence[str]]) -> list[str]:
    """No schools are all schools."""
    each = [set(names) for names in schools]
    return sorted(set().union(*each)) if all(each) else []
