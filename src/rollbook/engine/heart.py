"""The heart of a worker process: one beat for all of its runs, and the word to each of them when it must stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error, connection

from rollbook.core.protocols import Progress
from rollbook.engine.clock import BEAT_SECONDS, LEASE_SECONDS, boot_clock
from rollbook.engine.trouble import silence
from rollbook.errors import LeaseLost, RunCancelled
from rollbook.store import workers
from rollbook.store.lease import Lease

log = logging.getLogger(__name__)
_LOOK_EVERY = 0.2
#: What changed of a run's progress is written at most so often (seconds). The pages look as often as the heart does, so
#: that people are a second behind at most, also when the row is locked just then (`store/workers.py`).
_SHOW_EVERY = 0.4


class Watch:
    """Implements `connectors.base.Cancel` for one lease.

    With `deaf`, a person's wish to cancel is not heard: what a cancelled run sent must still be settled. While the
    database does not answer, nothing is sent: whoever asks waits until it is known whose the run is.
    """

    def __init__(self, lease: Lease, heart: Heart, *, deaf: bool = False) -> None:
        self.lease = lease
        self._heart = heart
        self._deaf = deaf
        self.lost = self.cancelled = False
        self.wake = threading.Event()

    def check(self) -> None:
        while not self.lost and boot_clock() > self._heart.until:
            if self._heart.ended:
                raise LeaseLost(f"run {self.lease.run}: this worker has ended")
            self.wake.wait(_LOOK_EVERY)
        if self.lost:
            raise LeaseLost(f"run {self.lease.run} was taken over by another worker, or handed on")
        if self.cancelled and not self._deaf:
            raise RunCancelled("the run was cancelled")

    def wait(self, seconds: float) -> None:
        self.check()
        self.wake.wait(seconds)
        self.check()


class Heart:
    """Beats in a thread of its own from `start` to `stop`. `until` is the moment (boot clock) up to which this process
    may act for its runs."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.until = 0.0
        self.ended = False
        self._leaving = False
        self._watches: list[tuple[Watch, Progress]] = []
        self._shown: dict[Lease, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._live, name="heart", daemon=True)

    def start(self) -> None:
        """Register the worker; from now on it may claim runs."""
        now = boot_clock()
        workers.register(self.owner)
        self.until = now + LEASE_SECONDS
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()
        self.ended = True

    @contextmanager
    def watch(self, lease: Lease, progress: Progress, *, deaf: bool = False) -> Iterator[Watch]:
        """What stops the lease's run in time; ends with the block."""
        watch = Watch(lease, self, deaf=deaf)
        entry = (watch, progress)
        with self._lock:
            self._watches.append(entry)
            watch.lost = self._leaving
        try:
            yield watch
        finally:
            with self._lock:
                self._watches.remove(entry)

    def let_go(self) -> None:
        """Tell every run, also one that is about to begin, to stop at its next call: the process ends."""
        with self._lock:
            self._leaving = True
        self._lose_all()

    def _lose_all(self) -> None:
        for watch, _ in self._watched():
            watch.lost = True
            watch.wake.set()

    def _watched(self) -> list[tuple[Watch, Progress]]:
        with self._lock:
            return list(self._watches)

    def _live(self) -> None:
        beat_at = show_at = 0.0
        try:
            while not self._end.wait(_LOOK_EVERY):
                now = boot_clock()
                try:
                    if now >= beat_at:
                        self._beat(now)
                        beat_at = now + BEAT_SECONDS
                    self._hear()
                    if now >= show_at and self._show():
                        show_at = now + _SHOW_EVERY - _LOOK_EVERY / 4  # a wait that is a little short must not double
                except Error as error:
                    log.warning("%s; nothing is sent until it answers", silence(error))
                    connection.close()
                except Exception:  # a heart that stops would stop every run for good
                    log.error("the heart stumbled over an error that nobody foresaw", exc_info=True)
        finally:
            connection.close()

    def _beat(self, now: float) -> None:
        if not workers.beat(self.owner):  # somebody took us for dead: our runs are theirs
            log.warning("this worker slept too long and lost its runs")
            self._lose_all()
            workers.register(self.owner)
        self.until = now + LEASE_SECONDS

    def _hear(self) -> None:
        watched = self._watched()
        if not watched:
            return
        held = workers.held_by(self.owner)
        for watch, _ in watched:
            epoch, asked = held.get(watch.lease.run, (0, False))
            if epoch != watch.lease.epoch and not watch.lease.holds():  # it may have been claimed a moment ago
                watch.lost = True
            watch.cancelled = watch.cancelled or asked
            if watch.lost or watch.cancelled:
                watch.wake.set()

    def _show(self) -> bool:
        """Write down where the runs are, as far as that changed since. Was anything written?"""
        watched = [(watch.lease, progress) for watch, progress in self._watched() if not watch.lost]
        now = {lease: _shown(progress) for lease, progress in watched if progress.stage}
        news = {lease: shown for lease, shown in now.items() if self._shown.get(lease) != shown}
        written = workers.show_progress(news) if news else set()
        # What could not be written, because its row was locked, is tried again at the next look.
        self._shown = {lease: now[lease] if lease in written else self._shown.get(lease, {}) for lease in now}
        return bool(written)


def _shown(progress: Progress) -> dict[str, Any]:
    return {"stage": progress.stage, "done": progress.done, "total": progress.total, "note": progress.note}
