"""`rollbook worker`: work the queue until stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell


def add_to(app: typer.Typer) -> None:
    @command(app, "worker")
    def worker(
        shell: Shell,
        most: Annotated[int, typer.Option("--most", min=1, help="Runs at a time; most of them wait for the LMS.")] = 64,
    ) -> None:
        """Work the queue until Ctrl-C; unfinished runs go to another worker, or wait for the next one."""
        from rollbook.cli.waiting import interrupts

        folder = shell.open()
        from rollbook.engine.chores import chores
        from rollbook.engine.service import serve_queue
        from rollbook.store.database import is_shared

        def say(words: str) -> None:
            shell.note(f"{words[:1].upper()}{words[1:]} ({folder.path}). Ctrl-C ends it.")

        with interrupts() as stop:
            serve_queue(folder, stop, alone=not is_shared(), chores=chores(folder), most=most, on_ready=say)
        shell.answer({"stopped": True}, lambda: shell.say("Stopped; what was unfinished goes on with the next worker."))
