"""`rollbook worker` and `rollbook up`: work the queue until stopped, without and with the web side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.serve import LogOption, telling
from rollbook.cli.shell import Shell

if TYPE_CHECKING:
    from rollbook.store.folder import DataFolder

Most = Annotated[int, typer.Option("--most", min=1, help="Runs at a time; most of them wait for the LMS.")]


def add_to(app: typer.Typer) -> None:
    _add_worker(app)
    _add_up(app)


def _add_worker(app: typer.Typer) -> None:
    @command(app, "worker")
    def worker(shell: Shell, *, most: Most = 64, log_format: LogOption = None) -> None:
        """Work the queue until Ctrl-C; unfinished runs go to another worker, or wait for the next one."""
        from rollbook.cli.waiting import interrupts
        from rollbook.engine.log import set_up_logging

        set_up_logging(log_format)
        folder = shell.open()
        with interrupts() as stop:
            _work(folder, stop, most, shell.note)
        shell.answer({"stopped": True}, lambda: shell.say("Stopped; what was unfinished goes on with the next worker."))


def _add_up(app: typer.Typer) -> None:
    @command(app, "up")
    def up(
        shell: Shell,
        *,
        host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8000,
        most: Most = 64,
        log_format: LogOption = None,
    ) -> None:
        """Web and worker in one process, until Ctrl-C."""
        from rollbook.cli.waiting import interrupts
        from rollbook.engine.log import set_up_logging
        from rollbook.web.serve import serve_web  # before the folder is opened: it brings the settings of the pages

        set_up_logging(log_format)
        folder = shell.open()

        with interrupts() as stop, worker_beside(folder, stop, most=most, say=shell.note):
            serve_web(folder, host, port, telling(shell), stop)


@contextmanager
def worker_beside(
    folder: DataFolder, stop: threading.Event, *, most: int = 64, say: Callable[[str], None] | None = None
) -> Iterator[None]:
    """A worker in a thread; when it ends with trouble, the rest stops too."""
    trouble: list[BaseException] = []

    def work() -> None:
        try:
            _work(folder, stop, most, say)
        except BaseException as error:
            trouble.append(error)
            stop.set()

    worker = threading.Thread(target=work, name="worker", daemon=True)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()
    if trouble:
        raise trouble[0]


def _work(folder: DataFolder, stop: threading.Event, most: int, say: Callable[[str], None] | None) -> None:
    from rollbook.engine.chores import chores
    from rollbook.engine.service import serve_queue
    from rollbook.store.locks import is_shared

    def tell(words: str) -> None:
        if say is not None:
            say(f"{words[:1].upper()}{words[1:]} ({folder.path}).")

    serve_queue(folder, stop, alone=not is_shared(), chores=chores(folder), most=most, on_ready=tell)
