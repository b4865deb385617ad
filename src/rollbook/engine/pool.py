"""A worker process: claims runs from the queue, a thread for each, and takes over what dead workers left behind."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from django.db import Error, connection

from rollbook.core.protocols import Progress
from rollbook.engine.clock import LEASE_SECONDS, boot_clock
from rollbook.engine.heart import Heart
from rollbook.engine.slots import HeavySlot
from rollbook.engine.trouble import silence
from rollbook.engine.worker import Worker
from rollbook.errors import LeaseLost
from rollbook.store import workers
from rollbook.store.folder import DataFolder
from rollbook.store.lease import Lease, claim_next
from rollbook.store.runs import give_up, hand_back
from rollbook.store.scratch import drop_ended, drop_scratch

log = logging.getLogger(__name__)

#: Runs of one process: most of them wait for the LMS.
MOST_RUNS: Final = 64
#: Runs that read or plan at once in one process; more would only wait here while another worker is idle.
MOST_PLANNING: Final = 2
_LOOK_EVERY = 0.2
_REAP_EVERY = 0.5

OnProgress = Callable[[Progress], None]


class Pool:
    """A context manager: claims while it is open. `alone`: no other process works this database, so whoever is listed
    is dead (the lock on the data folder proves it). `most` runs at a time; only those of `organization`, if given."""

    def __init__(
        self,
        folder: DataFolder,
        *,
        alone: bool,
        most: int = MOST_RUNS,
        organization: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        self.folder, self._alone, self._most, self._on_progress = folder, alone, most, on_progress
        self._organization = organization
        self.owner = f"{os.getpid()}-{secrets.token_hex(6)}"
        self.heart = Heart(self.owner)
        self.heavy = HeavySlot()
        self._threads: dict[Lease, tuple[threading.Thread, Progress]] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        self._reap_at = 0.0
        self._closing = False
        self._news = threading.Event()

    def __enter__(self) -> Self:
        self.heart.start()
        if self._alone:
            workers.bury_others(self.owner)
        drop_ended(self.folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every run stops at its next call and goes to another worker, or waits for the next one. After a second Ctrl-C
        nothing is waited for: the process ends as if it were killed."""
        self._closing = True
        self.heart.let_go()
        if kind is None or issubclass(kind, Exception):
            for thread, _ in list(self._threads.values()):
                thread.join()
            self.heart.stop()
            workers.unregister(self.owner)

    def work_until(self, over: Callable[[], bool]) -> None:
        """Work the queue until `over` says so; asked about five times a second."""
        while True:
            try:
                if over():
                    return
                self.tick()
            except Error as error:
                log.warning("%s; trying again", silence(error))
                connection.close()
            self._news.wait(_LOOK_EVERY)
            self._news.clear()

    def tick(self) -> None:
        """One look at the queue and at the other workers."""
        if boot_clock() >= self._reap_at:
            self._reap()
            self._reap_at = boot_clock() + _REAP_EVERY
        while self._has_room() and boot_clock() <= self.heart.until:  # whoever just woke up may have been buried
            lease = claim_next(self.owner, self._organization)
            if lease is None:
                return
            self._start(lease)

    @property
    def busy(self) -> int:
        """How many runs are worked on here."""
        return len(self._threads)

    def _has_room(self) -> bool:
        planning = sum(1 for _, progress in list(self._threads.values()) if progress.stage != "apply")
        return len(self._threads) < self._most and planning < MOST_PLANNING

    def _start(self, lease: Lease) -> None:
        progress = Progress(listeners=[self._on_progress] if self._on_progress else [])
        thread = threading.Thread(target=self._work, args=(lease, progress), name=f"run {lease.run}", daemon=True)
        self._threads[lease] = (thread, progress)
        thread.start()

    def _work(self, lease: Lease, progress: Progress) -> None:
        try:
            if not Worker(self.folder, self.heart, self.heavy, progress, alone=self._alone).work(lease):
                (hand_back if self._closing else give_up)(lease)
        except LeaseLost:
            drop_scratch(self.folder, lease.run, lease.epoch)  # the run is somebody else's already
        except Error as error:
            log.warning("run %s is queued again later: %s", lease.run, silence(error))
        except Exception:  # the other runs of this worker go on
            log.error("run %s is queued again later: an error that nobody foresaw", lease.run, exc_info=True)
        finally:
            try:
                connection.close()  # first: nobody waits for a thread that is listed no more
            finally:
                self._threads.pop(lease, None)
                self._news.set()

    def _reap(self) -> None:
        """Who has not been seen to live for a lease and the longest call is dead: its runs go back to the queue."""
        now = boot_clock()
        for other, (beat, grace) in workers.beats(but=self.owner).items():
            last, since = self._seen.get(other, (-1, now))
            if beat != last:
                self._seen[other] = (beat, now)
            elif now - since > LEASE_SECONDS + grace and workers.bury(other, beat):
                log.warning("worker %s died; its runs go on here or elsewhere", other)
        working = {lease.run for lease in list(self._threads)}  # before the query: what is claimed later is no orphan
        for run in workers.requeue_orphans(self.owner, working):
            log.info("run %s goes on", run)
