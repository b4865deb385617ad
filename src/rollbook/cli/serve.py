"""`rollbook web`: serve health, readiness and metrics until stopped."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell


class LogFormat(StrEnum):
    """How a process that stays writes its log to stderr; the same names as engine.log.FORMATS."""

    TEXT = "text"
    JSON = "json"


LogOption = Annotated[
    LogFormat | None,
    typer.Option("--log-format", help="Log lines for people or as JSON. Default: ROLLBOOK_LOG_FORMAT, else text."),
]


def add_to(app: typer.Typer) -> None:
    @command(app, "web")
    def web(
        shell: Shell,
        host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8000,
        log_format: LogOption = None,
    ) -> None:
        """Serve /healthz, /readyz and /metrics until Ctrl-C. Works no queue."""
        from rollbook.cli.waiting import interrupts
        from rollbook.engine.log import set_up_logging
        from rollbook.web.serve import serve_web  # before the folder is opened: it brings the settings of the pages

        set_up_logging(log_format)
        folder = shell.open()

        def ready(address: str) -> None:
            shell.answer({"address": address}, lambda: shell.say(f"Serving {address}. Ctrl-C ends it."))

        with interrupts() as stop:
            serve_web(folder, host, port, ready, stop)
