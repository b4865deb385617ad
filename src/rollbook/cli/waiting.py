"""Waits for a run to end and shows it; Ctrl-C cancels it cleanly, a second one ends the process at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from rollbook.cli import lifetime
from rollbook.cli.bars import progress_bar
from rollbook.cli.exits import code_of
from rollbook.cli.shell import Shell

if TYPE_CHECKING:
    from rollbook.store.folder import DataFolder
    from rollbook.store.models import Run


def wait_for(shell: Shell, folder: DataFolder, run: Run) -> Run:
    """The ended run. Works the queue itself if nobody else does."""
    from rollbook.actions.actors import OPERATOR
    from rollbook.actions.runs import cancel_run, find_run
    from rollbook.engine.waiting import work_until_ended

    asked: list[bool] = []
    with interrupts() as interrupted, progress_bar() as listener:

        def tick() -> None:
            if interrupted.is_set() and not asked:
                asked.append(True)
                shell.note("Cancelling; what was sent is still written down. Press Ctrl-C again to end at once.")
                if not find_run(run.pk).ended:
                    cancel_run(run_id=run.pk, by=OPERATOR)

        return work_until_ended(folder, run.pk, listener, tick)


def show_ended(shell: Shell, run: Run, *, kept: bool = True, **more: Any) -> None:
    """Answer with the run and exit with its code. `kept` is as in `show.run`; `more` goes into the JSON."""
    from rollbook.store.summary import run_summary

    summary = run_summary(run)

    def people() -> None:
        from rollbook.cli import show

        show.run(summary, kept=kept)

    shell.answer({**summary, **more}, people)
    code = code_of(run)
    if code:
        raise typer.Exit(code)


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Set after the first Ctrl-C or SIGTERM; the second one raises KeyboardInterrupt. Around all long work."""
    lifetime.started()
    event = threading.Event()

    def hear(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
