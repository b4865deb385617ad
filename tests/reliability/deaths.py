"""Ways to die: puts a deadly wrapper around the real code of this process. Only a forked worker calls this; the product
has no hook for it."""

from __future__ import annotations

import importlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

STAGES: Final = ("extract", "stage", "check", "match", "resolve", "plan", "apply", "settle")
#: Where a worker dies without having kept a plan: a run survives two such deaths, not three.
PLANNING: Final = STAGES[:6]

UNTIDY: Final = "ended, not tidied up"
BEFORE, AFTER, AFTER_WRITE = "before", "after", "after a write"
#: Named points: the function they are wrapped around, and on which side of it the worker dies.
POINTS: Final = {
    "planned, not kept": ("rollbook.engine.worker", "", "keep_plan", BEFORE),
    "plan kept, nothing intended": ("rollbook.engine.worker", "", "keep_plan", AFTER),
    "intent committed, nothing sent": ("rollbook.store.journal", "StoredJournal", "intend", AFTER),
    "sent, unanswered": ("rollbook.connectors.kit.transport", "Wire", "send", AFTER_WRITE),
    "answered, no outcome": ("rollbook.store.journal", "StoredJournal", "record", BEFORE),
    "outcome, nothing after it": ("rollbook.store.journal", "StoredJournal", "record", AFTER),
    "before the ledger pointer": ("rollbook.store.ledger", "StoredLedger", "advance", BEFORE),
    "after the ledger pointer": ("rollbook.store.ledger", "StoredLedger", "advance", AFTER),
    "settled, not ended": ("rollbook.engine.worker", "", "end_run", BEFORE),
    UNTIDY: ("rollbook.engine.worker", "", "end_run", AFTER),
}
#: Points in front of the kept plan, and behind the last outcome.
UNPLANNED: Final = ("planned, not kept",)
SETTLING: Final = tuple(POINTS)[6:]


def arm(kill: dict[str, Any], note: Path) -> None:
    """`kill` is {"stage", "after" seconds} or {"point", "number"}; `note` tells afterwards where death came."""
    if "stage" in kill:
        _within(kill["stage"], kill["after"], _Death(note))
    else:
        _at(kill["point"], kill["number"], _Death(note))


class _Death:
    def __init__(self, note: Path) -> None:
        self._note, self._once = note, threading.Lock()

    def __call__(self, where: str) -> None:
        self._once.acquire()  # of two threads that come here at one moment, one writes the note
        self._note.write_text(json.dumps(where))
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # this thread does nothing any more either


def _within(stage: str, after: float, die: _Death) -> None:
    """So many seconds after the stage has begun; at its end if it is over sooner."""
    from rollbook.pipeline import roster_run

    timed, armed = roster_run.timed, threading.Event()

    @contextmanager
    def deadly(seconds: dict[str, float], name: str) -> Iterator[None]:
        with timed(seconds, name):
            if name != stage or armed.is_set():
                yield
                return
            armed.set()
            timer = threading.Timer(after, die, [stage])
            timer.daemon = True
            timer.start()
            yield
            timer.cancel()
            die(stage)

    roster_run.timed = deadly


def _at(point: str, number: int, die: _Death) -> None:
    """When the point is reached for the n-th time."""
    module, owner, name, side = POINTS[point]
    place: Any = importlib.import_module(module)
    place = getattr(place, owner) if owner else place
    wrapped: Callable[..., Any] = getattr(place, name)
    lock, left = threading.Lock(), [number]

    def deadly(*given: Any, **named: Any) -> Any:
        counts = side != AFTER_WRITE or (given[1] in ("POST", "PUT") and "/v1/" in given[2])
        with lock:
            left[0] -= counts
            now = counts and left[0] == 0
        if now and side == BEFORE:
            die(point)
        answer = wrapped(*given, **named)
        if now and side != BEFORE:
            die(point)
        return answer

    setattr(place, name, deadly)
