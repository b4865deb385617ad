"""One process at a time works the queue of a data folder: whoever holds the file lock. No server."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable

from django.db import connection
from filelock import FileLock, Timeout

from rollbook.core.protocols import Progress
from rollbook.engine.worker import Worker
from rollbook.errors import Bug, LeaseLost, RollbookError
from rollbook.store.folder import DataFolder
from rollbook.store.lease import claim, take_over
from rollbook.store.models import Run, RunState
from rollbook.store.runs import fail_run, requeue_run

_LOOK_EVERY = 0.2
OnProgress = Callable[[Progress], None]
OnTick = Callable[[], None]


class Embedded:
    """Works the queue while it waits for a run, if nobody else does.

    A lock on a file ends with the process that holds it, however it ends; so a run that is running while we
    hold the lock has lost its worker, and no lease needs to be waited for.
    """

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.owner = f"{os.getpid()}-{secrets.token_hex(6)}"

    def run_and_wait(self, run_id: str, on_progress: OnProgress | None = None, on_tick: OnTick = lambda: None) -> Run:
        """Return the run when it has ended, worked here or by another process.

        A thread does the work; `on_tick` is called in the caller's thread about five times a second, e.g. to
        cancel the run after a Ctrl-C. `on_progress` is called in the thread.
        """
        lock = FileLock(self.folder.worker_lock, timeout=0, thread_local=False)
        while True:
            run = Run.objects.select_related("organization").get(pk=run_id)
            if run.ended:
                return run
            try:
                lock.acquire()
            except Timeout:
                on_tick()
                time.sleep(_LOOK_EVERY)
            else:
                self._work_in_thread(run_id, on_progress, on_tick)
                lock.release()  # not after an exception: the thread may still work while the process ends

    def _work_in_thread(self, run_id: str, on_progress: OnProgress | None, on_tick: OnTick) -> None:
        trouble: list[BaseException] = []

        def target() -> None:
            try:
                self.work_until(run_id, on_progress)
            except BaseException as error:
                trouble.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=target, name="worker", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_LOOK_EVERY)
            on_tick()
        if trouble:
            raise trouble[0]

    def work_until(self, run_id: str, on_progress: OnProgress | None = None) -> None:
        """Work the queue, oldest first, until this run has ended. Only for the holder of the lock."""
        worker = Worker(self.folder, Progress(listeners=[on_progress] if on_progress else []))
        while not Run.objects.get(pk=run_id).ended:
            self._take_over(worker)
            queued = Run.objects.filter(state=RunState.QUEUED).first()
            lease = claim(queued.pk, self.owner) if queued else None
            if lease is None:
                time.sleep(_LOOK_EVERY)
            else:
                worker.work(lease)

    def _take_over(self, worker: Worker) -> None:
        """Settle and queue again what dead processes left behind; an equal queued run makes up for it."""
        for run in Run.objects.filter(state=RunState.RUNNING).select_related("organization", "settings"):
            lease = take_over(run.pk, self.owner)
            if lease is None:
                continue
            try:
                if run.applies_id is None:  # a stored plan goes on where its journal ends
                    worker.settle(lease, run)
                twin = _twin(run)
                if twin is None:
                    requeue_run(lease)
                else:
                    fail_run(lease, Interrupted(f"the run was interrupted; run {twin.pk} does its work"))
            except LeaseLost:
                continue
            except RollbookError as error:
                fail_run(lease, error)
            except Exception as error:  # one run that cannot be settled must not keep every later one from starting
                fail_run(lease, Bug(f"{type(error).__name__} while settling run {run.pk}"))


class Interrupted(RollbookError):
    """The process that worked on a run was killed."""

    who = "nobody"


def _twin(run: Run) -> Run | None:
    """A queued run that asks for the same."""
    if run.applies_id is not None or run.undo_of_id is not None:
        return None
    return Run.objects.filter(
        organization=run.organization_id,
        state=RunState.QUEUED,
        kinds=run.kinds,
        schools=run.schools,
        dry_run=run.dry_run,
        applies__isnull=True,
        undo_of__isnull=True,
    ).first()
