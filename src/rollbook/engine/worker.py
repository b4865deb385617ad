"""Works one run under its lease, from its row to its end. Knows none of the river's stages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from rollbook.actions.blackout import hold_back
from rollbook.actions.organizations import current_settings
from rollbook.core.guard import check_permits
from rollbook.core.protocols import Progress
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.engine.for_pages import prepare_run
from rollbook.engine.heart import Heart, Watch
from rollbook.engine.logged_run import logged_run
from rollbook.engine.slots import HeavySlot
from rollbook.engine.trouble import is_full, silence, told
from rollbook.engine.world import longest_call, open_world
from rollbook.errors import Bug, LeaseLost, RollbookError, RunCancelled
from rollbook.roster.settings import parse
from rollbook.store.folder import DataFolder
from rollbook.store.journal import StoredJournal
from rollbook.store.lease import Lease
from rollbook.store.models import River, Run, SettingsVersion
from rollbook.store.runs import end_run, fail_run, keep_plan, settle_run, stored_plan, stored_result, unsettled_runs
from rollbook.store.scratch import drop_scratch

if TYPE_CHECKING:  # a process works one river mostly, and loads the other when it meets it
    from rollbook.engine.grade_work import GradeWork
    from rollbook.pipeline import roster_run as river

log = logging.getLogger(__name__)


@dataclass
class Worker:
    """Works one run. `progress` tells its listeners where the run is; `heavy` is shared by the process's runs. `alone`:
    it takes over from a dead process at once, although the last call of that one may still be under way."""

    folder: DataFolder
    heart: Heart
    heavy: HeavySlot = field(default_factory=HeavySlot)
    progress: Progress = field(default_factory=Progress)
    alone: bool = False

    @logged_run
    def work(self, lease: Lease) -> bool:
        """Carry the run out and write its end down; False when it did not come to its end here: the lease was lost, the
        worker was told to stop, or the database went away. Trouble ends the run, never the worker."""
        try:
            try:
                with self.heart.watch(lease, self.progress) as watch:
                    end_run(lease, self._carry_out(lease, watch))
            except LeaseLost:
                raise
            except Exception as error:
                if isinstance(error, OperationalError | InterfaceError) and not is_full(error):
                    raise
                self._break_off(lease, _named(error, f"run {lease.run}"))
        except LeaseLost:
            log.warning("run %s goes on elsewhere or later", lease.run)
            return False
        except (OperationalError, InterfaceError) as error:
            log.warning("run %s is broken off: %s", lease.run, silence(error))
            return False
        prepare_run(self.folder, lease.run)
        drop_scratch(self.folder, lease.run)
        return True

    def settle(self, lease: Lease, run: Run) -> None:
        """Bring what a broken run sent into the ledger, under this lease. Raises RollbookError."""
        plan = stored_plan(run)
        if plan is None or run.settled:
            return
        with self.heart.watch(lease, self.progress, deaf=True) as watch:
            version = run.settings or current_settings(run.organization)[0]
            if run.river == River.GRADES:
                result = self._grades(lease, version, watch).finish(run, plan)
            else:
                from rollbook.pipeline import roster_run as river

                with self._world(lease, version, watch, run) as world:
                    result = river.finish(_request(run, version), world, plan, _step, stored_result(run))
        settle_run(lease, run.pk, result)
        if run.pk != lease.run:
            drop_scratch(self.folder, run.pk)

    def _carry_out(self, lease: Lease, watch: Watch) -> RunResult:
        run = Run.objects.select_related("organization", "settings", "applies", "undo_of").get(pk=lease.run)
        if run.cancel_requested:  # before its last worker died
            raise RunCancelled("the run was cancelled")
        for earlier in unsettled_runs(lease.organization):
            self.progress.update("settle", note=f"run {earlier.pk}")
            self.settle(lease, earlier)
        planned = run.plan is not None
        version = run.settings if planned and run.settings else self._pin_settings(run, lease)
        with lease.writing():
            hold_back(run, parse(version.document), timezone.now())
        if run.river == River.GRADES:
            return self._grades(lease, version, watch).carry_out(run)
        from rollbook.pipeline import roster_run as river

        request = _request(run, version)
        fresh = not planned and run.applies is None and run.undo_of is None
        with self._world(lease, version, watch, run, with_source=fresh) as world:
            if planned:
                result = _stored(run)
            else:
                result = self._plan(run, request, world, lease)
                keep_plan(lease, result)
            return result if run.dry_run else river.carry_out(request, world, result, _step)

    def _grades(self, lease: Lease, version: SettingsVersion, watch: Watch) -> GradeWork:
        from rollbook.engine.grade_work import GradeWork

        return GradeWork(self.folder, lease, version, watch, self.progress, alone=self.alone)

    def _pin_settings(self, run: Run, lease: Lease) -> SettingsVersion:
        """The settings of this moment are the run's, also for whoever takes it over."""
        version, settings = current_settings(run.organization)
        grace = longest_call(settings, "sis" if run.river == River.GRADES else "lms")
        with lease.writing():
            run.compare_live = run.compare_live or run.organization.compare_live
            Run.objects.filter(pk=run.pk).update(settings=version, compare_live=run.compare_live, lease_grace=grace)
        return version

    def _plan(self, run: Run, request: river.Request, world: river.World, lease: Lease) -> RunResult:
        from rollbook.pipeline import roster_run as river

        if run.applies is not None:
            applied, plan = stored_result(run.applies), _plan_of(run.applies)
            check_permits(plan, world.permits.valid(), world.blobs)
            return RunResult(plan=plan, facts=applied.facts)
        if run.undo_of is not None:
            plan = _plan_of(run.undo_of)
            return river.undo_plan(request, _with_journal_of(run.undo_of, plan, world, lease), plan, _step)
        return river.plan_run(request, world, _step)

    def _break_off(self, lease: Lease, error: RollbookError) -> None:
        """Settle what was sent before the trouble, if that is possible now; then say what the trouble was. A worker
        that slept through its lease meets trouble first (a call timed out) and hears later that it lost the run."""
        if not lease.holds():
            raise LeaseLost(f"run {lease.run} was taken over by another worker")
        run = Run.objects.select_related("organization", "settings").get(pk=lease.run)
        if not run.settled:
            try:
                self.settle(lease, run)
            except (LeaseLost, OperationalError, InterfaceError):
                raise
            except Exception as trouble:  # the run ends all the same
                words = _named(trouble, f"settling run {lease.run}")
                log.info("run %s is settled before the next plan: %s", lease.run, words)
        fail_run(lease, error, cancelled=isinstance(error, RunCancelled))

    @contextmanager
    def _world(
        self, lease: Lease, version: SettingsVersion, watch: Watch, run: Run, *, with_source: bool = False
    ) -> Iterator[river.World]:
        settings = parse(version.document)
        with open_world(
            self.folder, lease, settings, watch, progress=self.progress, with_source=with_source, run=run.pk
        ) as world:
            before = stored_result(run).requests

            def requests() -> dict[str, int]:
                return {side: number + before.get(side, 0) for side, number in world.requests().items()}

            def heavy() -> AbstractContextManager[None]:
                return self.heavy.held(watch)

            late = run.lease_grace if self.alone and lease.epoch > 1 else 0.0
            yield replace(world, requests=requests, heavy=heavy, late=late)


def _named(error: Exception, work: str) -> RollbookError:
    """The trouble as people are told of it. What nobody foresaw is logged with its places, and without its text."""
    known = error if isinstance(error, RollbookError) else told(error, work)
    if isinstance(known, Bug):
        log.error("%s met an error that nobody foresaw", work, exc_info=error)
    return known


def _request(run: Run, version: SettingsVersion) -> river.Request:
    from rollbook.pipeline import roster_run as river

    settings, digest = parse(version.document), version.digest
    if run.preview_year:  # these settings are saved nowhere: no plan made with them can be sent (rule 3)
        settings = msgspec.structs.replace(settings, active_year=run.preview_year)
        digest = f"{digest}, in {run.preview_year}"
    return river.Request(
        run_id=run.pk,
        settings=settings,
        settings_digest=digest,
        kinds=tuple(run.kinds),
        schools=tuple(run.schools),
        persons=tuple(run.persons),
        dry_run=run.dry_run,
        compare_live=run.compare_live,
        retry_refused=run.retry_refused,
        now=timezone.now(),
    )


def _with_journal_of(undone: Run, plan: StoredPlan, world: river.World, lease: Lease) -> river.World:
    """What the undone run sent is read from its journal; what undoing sends is written into ours."""

    def journal(digest: str) -> StoredJournal:
        return StoredJournal(lease, digest, undone.pk if digest == plan.digest else None)

    return replace(world, journal=journal)


def _step(name: str, work: Callable[[], Any], /) -> Any:
    """No checkpoints: a plan is kept whole, and what was sent stands in the journal."""
    return work()


def _stored(run: Run) -> RunResult:
    result = stored_result(run)
    result.plan = _plan_of(run)
    return result


def _plan_of(run: Run) -> StoredPlan:
    plan = stored_plan(run)
    if plan is None:
        raise Bug(f"run {run.pk} has no stored plan")
    return plan
