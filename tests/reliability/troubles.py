"""Machines that misbehave: a wall clock that is set back, a disk that fills up, little patience. For forked workers."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn


def suffer(**given: Any) -> None:
    for name, value in given.items():
        _TROUBLES[name](value)


def set_back(asked: dict[str, Any]) -> None:
    """As soon as this stage begins, the wall clock is so many hours earlier."""
    from django.utils import timezone

    true_now, true_time = timezone.now, time.time

    def now() -> datetime:
        return true_now() - timedelta(hours=asked["hours"])

    def back() -> None:
        timezone.now = now
        time.time = lambda: true_time() - asked["hours"] * 3600

    _when(asked["stage"], back)


def fill_up(asked: dict[str, Any]) -> None:
    """As soon as this stage begins, there is no room left until the file `filler` is gone. `real`: it takes the room of
    a small file system of its own; else writing down is refused as a full disk would."""
    filler = Path(asked["filler"])
    _when(asked["stage"], (lambda: _take_all(filler)) if asked["real"] else (lambda: _refuse(filler)))


def freeze(number: int) -> None:
    """This process stops in the middle of the n-th transaction in which it writes under its lease."""
    from rollbook.store.lease import Lease

    fenced, left = Lease.fenced, [number]

    @contextmanager
    def frozen(lease: Any) -> Iterator[None]:
        with fenced(lease):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
            yield

    Lease.fenced = frozen  # type: ignore[method-assign] # test code


def lose_patience(seconds: float) -> None:
    """Wait only so long for a locked SQLite database."""
    from rollbook.store.database import SQLITE_OPTIONS

    SQLITE_OPTIONS["timeout"] = seconds


def _when(stage: str, happens: Any) -> None:
    from rollbook.pipeline import roster_run

    timed, over = roster_run.timed, []

    @contextmanager
    def watched(seconds: dict[str, float], name: str) -> Iterator[None]:
        if name == stage and not over:
            over.append(name)
            happens()
        with timed(seconds, name):
            yield

    roster_run.timed = watched


def _take_all(filler: Path) -> None:
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


def _refuse(filler: Path) -> None:
    filler.touch()

    def full(*_: Any, **__: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def unless_gone(true: Any) -> Any:
        return lambda *given, **named: (full if filler.exists() else true)(*given, **named)

    os.fsync, os.replace = unless_gone(os.fsync), unless_gone(os.replace)


_TROUBLES = {"clock": set_back, "full": fill_up, "patience": lose_patience, "freeze": freeze}
