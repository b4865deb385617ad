"""Runs asynchronous work in a thread of its own, so that it can be cancelled and a silent host is given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final, TypeVar

from rollbook.connectors.base import Cancel
from rollbook.errors import Unavailable

T = TypeVar("T")
_LOOK_EVERY: Final = 0.2


class Pulse:
    """Beats whenever the other side has shown a sign of life."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def beat(self) -> None:
        self._last = time.monotonic()

    @property
    def silent(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._last


def run_apart(work: Callable[[Pulse], Coroutine[Any, Any, T]], *, cancel: Cancel, timeout: float, host: str) -> T:
    """What `work` returns or raises. Raises Unavailable after `timeout` seconds without a beat, and what `cancel`
    raises; the work is stopped then, and has ended when this returns."""
    pulse, started = Pulse(), _Started()

    async def inside() -> T:
        started.loop, started.task = asyncio.get_running_loop(), asyncio.current_task()
        return await work(pulse)

    with ThreadPoolExecutor(1, thread_name_prefix="sftp") as pool:
        future = pool.submit(lambda: asyncio.run(inside()))
        try:
            while not wait([future], timeout=_LOOK_EVERY).done:
                cancel.check()
                if pulse.silent > timeout:
                    raise Unavailable(f"{host} has not answered for {timeout:g} seconds")
        except BaseException:
            started.stop()
            raise
        return future.result()


class _Started:
    """The loop of the thread, and its one task, as soon as they are there."""

    loop: asyncio.AbstractEventLoop | None = None
    task: asyncio.Task[Any] | None = None

    def stop(self) -> None:
        if self.loop is not None and self.task is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.task.cancel)
