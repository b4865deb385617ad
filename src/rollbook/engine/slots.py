"""One heavy stage at a time in a process: a scratch database may take half a gigabyte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rollbook.connectors.base import Cancel

_LOOK_EVERY = 0.1


class HeavySlot:
    """Held by one run at a time; `waiting` counts those that hold it or wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = threading.Lock()
        self.waiting = 0

    @contextmanager
    def held(self, cancel: Cancel) -> Iterator[None]:
        """Wait for the slot and hold it. Raises what `cancel` raises while waiting."""
        with self._counted():
            while not self._lock.acquire(timeout=_LOOK_EVERY):
                cancel.check()
            try:
                yield
            finally:
                self._lock.release()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._count:
            self.waiting += 1
        try:
            yield
        finally:
            with self._count:
                self.waiting -= 1
