"""Asking for runs and stopping them. A run is a queued row; whoever works the queue does the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from rollbook.actions.blackout import only_plans
from rollbook.actions.organizations import current_settings, find_organization
from rollbook.actions.schedule_memory import note_manual
from rollbook.errors import ConfigError, StalePlan
from rollbook.roster.lms import KINDS, RUN_KINDS
from rollbook.roster.schedule_words import MANUAL, UNDO
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.blobs import open_blobs
from rollbook.store.grades import grades_moved_on
from rollbook.store.ids import new_run_id
from rollbook.store.ledger import current_version
from rollbook.store.locks import lock_organization
from rollbook.store.models import Organization, River, Run, RunState
from rollbook.store.person_ids import PersonIds
from rollbook.store.runs import stored_plan
from rollbook.store.scratch import looking_scratch
from rollbook.store.setup import opened


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a roster run shall do. `kinds` are names of RUN_KINDS; `schools` org sourcedIds, empty for all.
    `despite_blackout` sends on a blackout day too."""

    kinds: Sequence[str] = ("all",)
    schools: Sequence[str] = ()
    dry_run: bool = False
    compare_live: bool = False
    retry_refused: bool = False
    despite_blackout: bool = False

    def lms_kinds(self) -> list[str]:
        """The LMS kinds to write, in the order of KINDS. Raises ConfigError."""
        for name in self.kinds:
            if name not in RUN_KINDS:
                raise ConfigError(
                    say("there is no kind '%(name)s'; there are %(list)s", name=name, list=", ".join(RUN_KINDS))
                )
        chosen = {kind for name in self.kinds for kind in RUN_KINDS[name]}
        return [kind for kind in KINDS if kind in chosen]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which part of a run is undone: of these org sourcedIds, class sourcedIds (grades) and unique ids; empty: all."""

    schools: Sequence[str] = ()
    sections: Sequence[str] = ()
    persons: Sequence[str] = ()


def request_run(*, org: str, wanted: Wanted, by: str) -> Run:
    """Queue a run; an equal one that is queued already is returned instead. On a blackout day it only plans.

    A run that sends resets the schedule's grace period (rule 29). Raises ConfigError.
    """
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        current_settings(organization)
        note_manual(organization, MANUAL, dry_run=wanted.dry_run, despite=wanted.despite_blackout)
        traits = {
            "river": River.ROSTER,
            "kinds": wanted.lms_kinds(),
            "schools": sorted(set(wanted.schools)),
            "dry_run": wanted.dry_run,
            "compare_live": wanted.compare_live,
            "retry_refused": wanted.retry_refused,
            "despite_blackout": wanted.despite_blackout,
            "preview_year": "",
        }
        traits = only_plans(organization, traits)
        same = Run.objects.filter(organization=organization, state=RunState.QUEUED, lease_epoch=0, **traits)
        queued = same.filter(applies__isnull=True, undo_of__isnull=True).first()
        if queued is not None:
            return queued
        return queue_run(organization, "plan" if traits["dry_run"] else "sync", by, **traits)


def request_apply(*, run_id: str, by: str, despite_blackout: bool = False) -> Run:
    """Queue the sending of a stored plan. Raises ConfigError when there is none to send or on a blackout day,
    StalePlan when the ledger or the settings moved on since."""
    with transaction.atomic():
        planned = find_run(run_id)
        lock_organization(planned.organization_id)
        plan = stored_plan(planned)
        if not planned.dry_run or planned.preview_year or plan is None:
            raise ConfigError(say("run %(run)s is not a dry run with a stored plan", run=run_id))
        if planned.applied_by.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).exists():
            raise ConfigError(say("the plan of run %(run)s is being applied already", run=run_id))
        if moved_on(planned):
            raise StalePlan(
                say("the plan of run %(run)s is stale: the ledger or the settings changed; plan again", run=run_id)
            )
        if planned.river == River.ROSTER:  # grades reset no grace period (rule 29)
            note_manual(planned.organization, MANUAL, dry_run=False, despite=despite_blackout)
        scope = {"river": planned.river, "schools": planned.schools, "sections": planned.sections}
        traits = {"kinds": planned.kinds, **scope, "despite_blackout": despite_blackout}
        return queue_run(planned.organization, "apply", by, applies=planned, **traits)


def moved_on(planned: Run) -> list[str]:
    """What of "ledger" and "settings" is not as it was when the run's plan was made: with either, it is stale. Raises
    ConfigError when there are no settings."""
    plan = stored_plan(planned)
    if plan is None:
        return []
    version, _ = current_settings(planned.organization)
    if planned.river == River.GRADES:
        return grades_moved_on(planned, plan, version.digest)
    ledger = current_version(planned.organization_id).number
    found = {"ledger": ledger != plan.ledger_version, "settings": version.digest != plan.settings_digest}
    return [name for name, moved in found.items() if moved]


def request_undo(*, run_id: str, by: str, dry_run: bool = False, part: Part = Part()) -> Run:
    """Queue the undoing of what a run sent (rule 28), or of a part of it. An equal one that is queued already is
    returned instead. Raises ConfigError when it sent nothing."""
    with transaction.atomic():
        run, places = undoable(run_id=run_id, part=part)
        note_manual(run.organization, UNDO, dry_run=dry_run, river=River(run.river))
        same = run.undone_by.filter(state=RunState.QUEUED, lease_epoch=0, dry_run=dry_run, **places).first()
        if same is not None:
            return same
        return queue_run(run.organization, "undo", by, river=run.river, undo_of=run, dry_run=dry_run, **places)


def undoable(*, run_id: str, part: Part = Part()) -> tuple[Run, dict[str, list[str]]]:
    """The run that `request_undo` would undo, and which kinds, schools, sections and persons of it; asks for nothing
    yet. Raises ConfigError when it sent nothing."""
    run = find_run(run_id)
    if not is_undoable(run):
        raise ConfigError(say("run %(run)s has sent nothing that could be undone", run=run_id))
    if part.schools and run.river == River.GRADES:
        raise ConfigError(say("run %(run)s sent grades, which go by sections; say: --section", run=run_id))
    if part.sections and run.river == River.ROSTER:
        raise ConfigError(say("run %(run)s sent rosters, which go by schools; say: --school", run=run_id))
    persons = part.persons
    if persons and run.river == River.GRADES:  # results name students by sourcedId
        persons = _sourced(run.organization, persons)
    places = {
        "schools": sorted(set(part.schools)) or run.schools,
        "sections": sorted(set(part.sections)) or run.sections,
        "persons": sorted(set(persons)) or run.persons,
    }
    return run, {"kinds": run.kinds, **places}


def _sourced(organization: Organization, persons: Sequence[str]) -> list[str]:
    """sourcedIds of these unique ids; what is known by none is left as it is."""
    _, settings = current_settings(organization)
    with looking_scratch(opened()) as scratch:
        known = PersonIds(organization.pk, settings, open_blobs(opened(), scratch))(persons)
    return [known.get(each, each) for each in persons]


def is_undoable(run: Run) -> bool:
    """Did it send anything, and is it over?"""
    return run.ended and run.plan is not None and run.intents.exists()


def cancel_run(*, run_id: str, by: str) -> Run:
    """Cancel a queued run, or ask a running one to stop. Raises ConfigError when it has ended."""
    with transaction.atomic():
        run = find_run(run_id, lock=True)
        if run.ended:
            raise ConfigError(say("run %(run)s has already ended: %(state)s", run=run_id, state=say(run.state)))
        if run.state == RunState.QUEUED:
            run.state, run.ended_at = RunState.CANCELLED, timezone.now()
        run.cancel_requested = True
        run.save(update_fields=["state", "ended_at", "cancel_requested"])
        audit(by=by, action="cancel run", organization=run.organization.slug, subject=run.pk)
    return run


def find_run(run_id: str, *, lock: bool = False) -> Run:
    """Raises ConfigError. With `lock`, nobody else changes the run until the transaction ends."""
    every = Run.objects.select_related("organization").defer("result")  # it is large, and read when it is asked for
    if lock:
        every = every.select_for_update(of=("self",), no_key=True)
    run = every.filter(pk=run_id).first()
    if run is None:
        raise ConfigError(say("there is no run '%(run)s'; see them all with: rollbook runs", run=run_id))
    return run


def queue_run(organization: Organization, action: str, by: str, **traits: object) -> Run:
    """Make the row and its audit row; on a blackout day, a run that would send only plans. Raises ConfigError."""
    traits = only_plans(organization, traits)
    run = Run.objects.create(id=new_run_id(), organization=organization, requested_by=by, **traits)
    audit(by=by, action=f"request {action}", organization=organization.slug, subject=run.pk)
    return run
