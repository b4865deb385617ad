"""Works a run of grades under its lease. Knows none of the river's stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from django.utils import timezone

from rollbook.connectors.base import Cancel
from rollbook.core.protocols import Journal, Progress
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.engine.permissions import tokens_of
from rollbook.engine.whose import proven
from rollbook.engine.world import Doors, check_room
from rollbook.errors import Bug
from rollbook.passback import grade_run as river
from rollbook.passback.grade_types import GradeRequest, GradeWorld
from rollbook.roster.settings import Settings, parse
from rollbook.store.account_ids import AccountIds
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.given_sections import GivenSection, given_sections, periods_by_key
from rollbook.store.grades import StoredGradeLedgers, StoredGradeNotes, mapped_sections, wishes
from rollbook.store.journal import StoredJournal
from rollbook.store.lease import Lease
from rollbook.store.memory import StoredMemory
from rollbook.store.models import Run, SettingsVersion
from rollbook.store.permits import StoredPermits
from rollbook.store.person_ids import PersonIds
from rollbook.store.pins import StoredPins
from rollbook.store.runs import keep_plan, stored_plan, stored_result
from rollbook.store.scratch import scratch_of
from rollbook.store.secrets import KeyRing, secrets_of


@dataclass
class GradeWork:
    """One run of grades, or the settling of an earlier one. `alone` as of the worker."""

    folder: DataFolder
    lease: Lease
    version: SettingsVersion
    cancel: Cancel
    progress: Progress
    alone: bool = False

    def carry_out(self, run: Run) -> RunResult:
        """Plan, keep the plan, send and settle; goes on with the plan that a dead process has left."""
        planned, applied = stored_plan(run), run.applies
        fresh = planned is None and applied is None and run.undo_of is None
        with self._world(run, with_source=fresh) as world:
            if planned is not None:
                result = stored_result(run)
                result.plan = planned
                return (
                    result if run.dry_run else river.carry_out(self._request(run, planned, goes_on=True), world, result)
                )
            if run.undo_of is not None:
                undone = _plan_of(run.undo_of)
                request = self._request(run, undone)
                result = river.plan_undo(request, self._with_journal_of(run.undo_of, undone, world), undone)
            elif applied is not None:
                plan = _plan_of(applied)
                result, request = RunResult(plan=plan), self._request(run, plan)
                river.check_stored(request, world, plan)
            else:
                request = self._request(run, None)
                result = river.plan_grades(request, world)
            keep_plan(self.lease, result)
            return result if run.dry_run else river.carry_out(request, world, result)

    def finish(self, run: Run, plan: StoredPlan) -> RunResult:
        """Bring what a broken run sent into the ledgers of its sections."""
        with self._world(run, with_source=False) as world:
            return river.finish(self._request(run, plan, goes_on=True), world, plan, stored_result(run))

    def _request(self, run: Run, plan: StoredPlan | None, *, goes_on: bool = False) -> GradeRequest:
        settings = parse(self.version.document)
        blobs = open_blobs(self.folder, scratch_of(self.folder, self.lease, run.pk))
        codes = [code for code in plan.sections if code in run.sections] if plan and run.sections else run.sections
        codes = codes or (list(plan.sections) if plan is not None else [])
        given = given_sections(self.lease.organization, blobs, settings.active_year, codes)
        if run.only_mapped and plan is None:
            done = mapped_sections(self.lease.organization)
            given = [each for each in given if each.code in done]
        if plan is not None:  # it stays bound to what it was made of, also to a section that is given no more
            there = {each.code for each in given}
            given += [GivenSection(code, None, "", None) for code in codes if code not in there]
        return GradeRequest(
            run_id=run.pk,
            settings=settings,
            settings_digest=self.version.digest,
            sections=wishes(self.lease.organization, given),
            now=timezone.now(),
            periods=periods_by_key(self.lease.organization, blobs),
            dry_run=run.dry_run,
            whole=not run.sections and not run.only_mapped and run.undo_of_id is None,
            retry_refused=run.retry_refused,
            items=frozenset(run.items),
            persons=run.persons,
            goes_on_with=plan.settings_digest if plan is not None and goes_on else "",
        )

    def _people(self, settings: Settings, work: Path) -> PersonIds:
        return PersonIds(self.lease.organization, settings, open_blobs(self.folder, work))

    def _accounts(self, settings: Settings, work: Path) -> AccountIds | None:
        """Where people may change their unique id in the LMS, the ledger says whose an account is."""
        if proven(settings):
            return None
        return AccountIds(self.lease.organization, open_blobs(self.folder, work))

    def _with_journal_of(self, undone: Run, plan: StoredPlan, world: GradeWorld) -> GradeWorld:
        """What the undone run sent is read from its journal; what undoing sends is written into ours."""

        def journal(digest: str) -> Journal:
            return StoredJournal(self.lease, digest, undone.pk) if digest == plan.digest else world.journal(digest)

        return replace(world, journal=journal)

    @contextmanager
    def _world(self, run: Run, *, with_source: bool) -> Iterator[GradeWorld]:
        work = scratch_of(self.folder, self.lease, run.pk)
        check_room(work, 0)
        settings = parse(self.version.document)
        ring = KeyRing(self.folder.keys)
        tokens = tokens_of(run.organization, settings, ring) if with_source else None
        doors = Doors(settings, secrets_of(self.lease.organization, ring), work, self.cancel, tokens=tokens)
        before = stored_result(run).requests

        def requests() -> dict[str, int]:
            return {side: number + before.get(side, 0) for side, number in doors.requests.counts().items()}

        with ExitStack() as open_doors:
            if tokens is not None:
                open_doors.callback(tokens.keep_refused, by=f"run {run.pk}")
            sink = open_doors.enter_context(closing(doors.grade_sink()))
            source = open_doors.enter_context(closing(doors.grade_source())) if with_source else None
            yield GradeWorld(
                sink=sink,
                source=source,
                blobs=open_blobs(self.folder, work),
                ledgers=StoredGradeLedgers(self.lease, run.pk),
                notes=StoredGradeNotes(self.lease),
                journal=lambda digest: StoredJournal(self.lease, digest, run.pk),
                permits=StoredPermits(self.lease),
                memory=StoredMemory(self.lease),
                pins=StoredPins(self.lease, run.pk),
                cancel=self.cancel,
                progress=self.progress,
                work=work,
                people=None if settings.users.unique_id == "sourcedId" else self._people(settings, work),
                accounts=self._accounts(settings, work),
                requests=requests,
                late=run.lease_grace if self.alone and self.lease.epoch > 1 else 0.0,
            )


def _plan_of(run: Run) -> StoredPlan:
    plan = stored_plan(run)
    if plan is None:
        raise Bug(f"run {run.pk} has no stored plan")
    return plan
