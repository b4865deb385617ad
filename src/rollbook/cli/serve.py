"""`rollbook web`: serve the pages until stopped; and how `up` and `worker` share its options. Works no queue."""

from __future__ import annotations

from collections.abc import Callable
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
        """Serve the pages, /healthz, /readyz and /metrics until Ctrl-C. Works no queue."""
        from rollbook.cli.waiting import interrupts
        from rollbook.engine.log import set_up_logging
        from rollbook.web.serve import serve_web  # before the folder is opened: it brings the settings of the pages

        set_up_logging(log_format)
        folder = shell.open()

        with interrupts() as stop:
            serve_web(folder, host, port, telling(shell), stop)


def telling(shell: Shell) -> Callable[[str], None]:
    """What says where the pages are, and while there is no account, with which link the first one is made."""
    from rollbook.actions.accounts import set_up_invitation
    from rollbook.web.opening import public_address

    token = set_up_invitation()

    def tell(address: str) -> None:
        link = f"{public_address(address)}/invitation/{token}/" if token else None

        def people() -> None:
            shell.say(f"Serving {address}. Ctrl-C ends it.")
            if link:
                shell.say(f"There is no account yet. Make the first one here (the link works for seven days):\n{link}")

        shell.answer({"address": address, "set_up": link}, people)

    return tell
