"""A worker process that kills itself with SIGKILL at a chosen moment: at random within a stage, or at a named point.

The worker is the real one; what kills it is put around it here, so that the product has no hooks for it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

#: Named points of a run and what they are wrapped around. "before" and "after" that call.
POINTS: Final = {
    "planned, not kept": ("rollbook.engine.worker", "keep_plan", "before"),
    "plan kept": ("rollbook.engine.worker", "keep_plan", "after"),
    "intent committed, nothing sent": ("rollbook.store.journal.StoredJournal", "intend", "after"),
    "sent, unanswered": ("rollbook.connectors.kit.transport.Wire", "send", "after a write"),
    "answered, no outcome": ("rollbook.store.journal.StoredJournal", "record", "before"),
    "outcome, nothing after it": ("rollbook.store.journal.StoredJournal", "record", "after"),
    "before the ledger pointer": ("rollbook.store.ledger.StoredLedger", "advance", "before"),
    "after the ledger pointer": ("rollbook.store.ledger.StoredLedger", "advance", "after"),
    "settled, not ended": ("rollbook.engine.worker", "end_run", "before"),
}


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_within(stage: str, after: float) -> None:
    """Kill this process so many seconds after the stage has begun (its first time)."""
    from rollbook.engine import worker

    step = worker._step
    begun = threading.Event()

    def stepping(name: str, work: Callable[[], Any], /) -> Any:
        if name == stage and not begun.is_set():
            begun.set()
            timer = threading.Timer(after, die)
            timer.daemon = True
            timer.start()
        return step(name, work)

    worker._step = stepping


def die_at(point: str, number: int) -> None:
    """Kill this process when it reaches a named point for the n-th time."""
    place, name, when = POINTS[point]
    owner = _find(place)
    wrapped = getattr(owner, name)
    left = [number]

    def wrapper(*given: Any, **named: Any) -> Any:
        counts = when != "after a write" or given[1] != "GET"
        left[0] -= counts
        if when == "before" and left[0] <= 0:
            die()
        answer = wrapped(*given, **named)
        if when != "before" and counts and left[0] <= 0:
            die()
        return answer

    setattr(owner, name, wrapper)


def _find(place: str) -> Any:
    import importlib

    module, _, last = place.rpartition(".")
    if last[:1].isupper():
        return getattr(importlib.import_module(module), last)
    return importlib.import_module(place)


def main(data: str, run: str, kill: dict[str, Any] | None, seconds: float = 120.0) -> None:
    """Work until the run has ended, or until killed."""
    from rollbook.engine.pool import Pool
    from rollbook.store.database import is_shared
    from rollbook.store.models import Run
    from rollbook.store.setup import setup

    folder = setup(Path(data))
    if kill and "stage" in kill:
        die_within(kill["stage"], kill["after"])
    elif kill:
        die_at(kill["point"], kill["number"])
    until = time.monotonic() + seconds
    with Pool(folder, alone=not is_shared()) as pool:
        pool.work_until(lambda: time.monotonic() > until or Run.objects.get(pk=run).ended)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
