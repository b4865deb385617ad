"""Keeps a run's lease alive and notices that work must stop: a thread beside the run."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection

from rollbook.errors import LeaseLost, RunCancelled
from rollbook.store.lease import LEASE_SECONDS, Lease

log = logging.getLogger(__name__)
_LOOK_EVERY = 0.25


def boot_clock() -> float:
    """Seconds since the machine started, suspended time included: a lease ends while a laptop sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Watch:
    """Implements `connectors.base.Cancel` for one lease; a context manager that ends its thread.

    With `deaf`, a person's wish to cancel is not heard: what a cancelled run sent must still be settled.
    """

    def __init__(self, lease: Lease, *, deaf: bool = False) -> None:
        self._lease = lease
        self._deaf = deaf
        self._until = boot_clock() + LEASE_SECONDS
        self._lost = self._cancelled = False
        self._wake = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, name=f"lease of {lease.run}", daemon=True)

    def check(self) -> None:
        if self._lost or boot_clock() > self._until:
            raise LeaseLost(f"run {self._lease.run} was taken over by another worker, or this one slept too long")
        if self._cancelled:
            raise RunCancelled("the run was cancelled")

    def wait(self, seconds: float) -> None:
        self.check()
        self._wake.wait(seconds)
        self.check()

    def __enter__(self) -> Self:
        self._until = boot_clock() + LEASE_SECONDS
        self._lease.renew()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        renew_at = boot_clock() + LEASE_SECONDS / 3
        try:
            while not self._end.wait(_LOOK_EVERY):
                now = boot_clock()
                if self._hear(renew=now >= renew_at) and now >= renew_at:
                    self._until, renew_at = now + LEASE_SECONDS, now + LEASE_SECONDS / 3
        except LeaseLost:
            self._lost = True
            self._wake.set()
        finally:
            connection.close()

    def _hear(self, *, renew: bool) -> bool:
        try:
            asked = self._lease.renew() if renew else self._lease.cancel_requested()
        except DatabaseError:
            log.warning("the lease of run %s could not be looked at; trying again", self._lease.run)
            return False
        if asked and not self._deaf:
            self._cancelled = True
            self._wake.set()
        return True
