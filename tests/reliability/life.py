"""What a forked worker does: it serves the queue as `rollbook worker` does, until its runs have ended."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any


class Ended(threading.Event):
    """Set as soon as all of these runs have ended; without runs, when somebody sets it."""

    def __init__(self, runs: list[str]) -> None:
        super().__init__()
        self._runs = runs

    def is_set(self) -> bool:
        from rollbook.store.models import Run

        if super().is_set() or not self._runs:
            return super().is_set()
        return all(run.ended for run in Run.objects.filter(pk__in=self._runs))


def live(
    data: str,
    runs: list[str],
    note: str,
    kill: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    trouble: dict[str, Any] | None = None,
) -> int:
    """`trouble` is what this machine suffers from (see `tests.reliability.troubles`)."""
    from rollbook.engine.service import serve_queue
    from rollbook.store.locks import is_shared
    from rollbook.store.setup import setup
    from tests.reliability.deaths import arm
    from tests.reliability.troubles import suffer

    os.environ.update(environment or {})
    if kill:
        arm(kill, Path(note))
    if trouble:
        suffer(**trouble)
    folder = setup(Path(data))
    stop = Ended(runs)
    signal.signal(signal.SIGTERM, lambda *_: threading.Event.set(stop))
    serve_queue(folder, stop, alone=not is_shared())
    return 0
