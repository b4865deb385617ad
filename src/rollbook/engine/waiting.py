"""Waits for one run to end, and works the queue meanwhile if nobody else does."""

from __future__ import annotations

import time
from collections.abc import Callable

from filelock import FileLock, Timeout

from rollbook.engine.pool import OnProgress, Pool
from rollbook.store.folder import DataFolder
from rollbook.store.locks import is_shared
from rollbook.store.models import Run

_LOOK_EVERY = 0.2


def work_until_ended(
    folder: DataFolder, run_id: str, on_progress: OnProgress | None = None, on_tick: Callable[[], None] = lambda: None
) -> Run:
    """The run when it has ended, worked here or by another process. `on_tick` is called about five times a second,
    e.g. to cancel the run after a Ctrl-C. With a shared database this process works its organization's queue, in
    competition with the workers; else the whole queue, if no other process does."""

    def ended() -> bool:
        on_tick()
        return _get(run_id).ended

    if is_shared():
        own = _get(run_id).organization_id
        with Pool(folder, alone=False, most=1, organization=own, on_progress=on_progress) as pool:
            pool.work_until(ended)
        return _get(run_id)
    lock = FileLock(folder.worker_lock, timeout=0, thread_local=False)
    while not ended():
        try:
            lock.acquire()
        except Timeout:
            time.sleep(_LOOK_EVERY)
            continue
        with Pool(folder, alone=True, most=1, on_progress=on_progress) as pool:
            pool.work_until(ended)
        lock.release()  # not after an exception: a thread may still work while the process ends
    return _get(run_id)


def _get(run_id: str) -> Run:
    return Run.objects.select_related("organization").get(pk=run_id)
