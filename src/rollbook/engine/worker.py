"""Works one run under its lease, from its row to its end. Knows none of the river's stages."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.utils import timezone

from rollbook.actions.organizations import current_settings
from rollbook.connectors.base import Cancel
from rollbook.core.protocols import Progress
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.engine.logged_run import logged_run
from rollbook.engine.watch import Watch
from rollbook.engine.world import open_world
from rollbook.errors import Bug, LeaseLost, RollbookError, RunCancelled
from rollbook.pipeline import roster_run as river
from rollbook.roster.settings import parse
from rollbook.store.folder import DataFolder
from rollbook.store.journal import StoredJournal
from rollbook.store.lease import Lease
from rollbook.store.models import Run, SettingsVersion
from rollbook.store.runs import end_run, fail_run, keep_plan, settle_run, stored_plan, stored_result, unsettled_runs

log = logging.getLogger(__name__)


class Worker:
    """Works runs in one data folder. `progress` tells its listeners where the run is."""

    def __init__(self, folder: DataFolder, progress: Progress) -> None:
        self.folder = folder
        self.progress = progress

    @logged_run
    def work(self, lease: Lease) -> None:
        """Carry the run out and write its end down. Trouble ends the run, never the worker; a lost lease ends
        nothing, since the run belongs to somebody else."""
        try:
            try:
                with Watch(lease) as watch:
                    end_run(lease, self._carry_out(lease, watch))
            except LeaseLost:
                raise
            except RollbookError as error:
                self._break_off(lease, error)
            except Exception as error:
                log.debug("run %s", lease.run, exc_info=True)
                self._break_off(lease, Bug(f"{type(error).__name__} while working on run {lease.run}"))
        except LeaseLost:
            log.warning("run %s is worked on by somebody else now", lease.run)
            return
        shutil.rmtree(self.folder.work / lease.run, ignore_errors=True)

    def settle(self, lease: Lease, run: Run) -> None:
        """Bring what a broken run sent into the ledger, under this lease. Raises RollbookError."""
        plan = stored_plan(run)
        if plan is None or run.settled:
            return
        with Watch(lease, deaf=True) as watch:
            version = run.settings or current_settings(run.organization)[0]
            request = self._request(run, version)
            with self._world(lease, version, watch, with_source=False, run=run.pk) as world:
                result = river.finish(request, world, plan, _step)
        settle_run(lease, run.pk, result)

    def _carry_out(self, lease: Lease, watch: Watch) -> RunResult:
        run = Run.objects.select_related("organization", "applies", "undo_of").get(pk=lease.run)
        for earlier in unsettled_runs(lease.organization):
            self.progress.update("settle", note=f"run {earlier.pk}")
            self.settle(lease, earlier)
        version, _ = current_settings(run.organization)
        with lease.writing():
            run.compare_live = run.compare_live or run.organization.compare_live
            Run.objects.filter(pk=run.pk).update(settings=version, compare_live=run.compare_live)
        request = self._request(run, version)
        step = _Keeping(lease)
        fresh = run.applies is None and run.undo_of is None
        with self._world(lease, version, watch, with_source=fresh) as world:
            if run.applies is not None:
                plan = _plan_of(run.applies)
                keep_plan(lease, plan)
                return river.apply_stored(request, world, plan, step, stored_result(run.applies).facts)
            if run.undo_of is not None:
                plan = _plan_of(run.undo_of)
                return river.undo_run(request, _with_journal_of(run.undo_of, plan, world, lease), plan, step)
            return river.roster_run(request, world, step)

    def _break_off(self, lease: Lease, error: RollbookError) -> None:
        """Settle what was sent before the trouble, if that is possible now; then say what the trouble was."""
        run = Run.objects.select_related("organization", "settings").get(pk=lease.run)
        if not run.settled:
            try:
                self.settle(lease, run)
            except LeaseLost:
                raise
            except RollbookError as trouble:
                log.info("run %s is settled before the next plan: %s", lease.run, trouble)
            except Exception:
                log.debug("settling run %s", lease.run, exc_info=True)
        fail_run(lease, error, cancelled=isinstance(error, RunCancelled))

    def _request(self, run: Run, version: SettingsVersion) -> river.Request:
        return river.Request(
            run_id=run.pk,
            settings=parse(version.document),
            settings_digest=version.digest,
            kinds=tuple(run.kinds),
            schools=tuple(run.schools),
            dry_run=run.dry_run,
            compare_live=run.compare_live,
            retry_refused=run.retry_refused,
            now=timezone.now(),
        )

    def _world(
        self,
        lease: Lease,
        version: SettingsVersion,
        cancel: Cancel,
        *,
        with_source: bool,
        run: str | None = None,
    ) -> Any:
        settings = parse(version.document)
        return open_world(
            self.folder, lease, settings, cancel, progress=self.progress, with_source=with_source, run=run
        )


class _Keeping:
    """The step of an engine without checkpoints: it only writes a plan down as soon as there is one."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def __call__(self, name: str, work: Callable[[], Any], /) -> Any:
        result = work()
        if isinstance(result, StoredPlan):
            keep_plan(self._lease, result)
        return result


def _with_journal_of(undone: Run, plan: StoredPlan, world: river.World, lease: Lease) -> river.World:
    """What the undone run sent is read from its journal; what undoing sends is written into ours."""

    def journal(digest: str) -> StoredJournal:
        return StoredJournal(lease, digest, undone.pk if digest == plan.digest else None)

    return replace(world, journal=journal)


def _step(name: str, work: Callable[[], Any], /) -> Any:
    return work()


def _plan_of(run: Run) -> StoredPlan:
    plan = stored_plan(run)
    if plan is None:
        raise Bug(f"run {run.pk} has no stored plan")
    return plan
