"""Runs asynchronous work in a thread of its own, so that it can be cancelled and a silent host is given up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, Final, TypeVar

from rollbook.connectors.base import Cancel
from rollbook.errors import Unavailable

T = TypeVar("T")
_LOOK_EVERY: Final = 0.2
_ENDS_WITHIN: Final = 5.0


class Pulse:
    """Beats whenever the other side has shown a sign of life."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        #: Cuts the connection, once there is one.
        self.abort: Callable[[], None] | None = None

    def beat(self) -> None:
        self._last = time.monotonic()

    @property
    def silent(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._last


def run_apart(work: Callable[[Pulse], Coroutine[Any, Any, T]], *, cancel: Cancel, timeout: float, host: str) -> T:
    """What `work` returns or raises. Raises Unavailable after `timeout` seconds without a beat, and what `cancel`
    raises; the work is stopped then."""
    pulse, inside, future = Pulse(), _Inside(), Future[T]()

    async def task() -> T:
        inside.loop, inside.task = asyncio.get_running_loop(), asyncio.current_task()
        return await work(pulse)

    def run() -> None:
        try:
            future.set_result(asyncio.run(task()))
        except BaseException as error:  # the caller raises it
            future.set_exception(error)

    threading.Thread(target=run, name="sftp", daemon=True).start()
    try:
        while not wait([future], timeout=_LOOK_EVERY).done:
            cancel.check()
            if pulse.silent > timeout:
                raise Unavailable(f"{host} has not answered for {timeout:g} seconds")
    except BaseException:
        inside.stop(pulse.abort)
        wait([future], timeout=_ENDS_WITHIN)
        raise
    return future.result()


class _Inside:
    """The loop of the thread, and its one task, as soon as they are there."""

    loop: asyncio.AbstractEventLoop | None = None
    task: asyncio.Task[Any] | None = None

    def stop(self, abort: Callable[[], None] | None) -> None:
        """Cut the connection, so that everything that waits for its answers ends; cancel where there is none yet."""
        if self.loop is not None and self.task is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                self.loop.call_soon_threadsafe(abort or self.task.cancel)
