"""Gives every command the same three options: --json, --data and --debug. Adds nothing else."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from rollbook.cli.shell import Shell

_Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")]
_Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", envvar="ROLLBOOK_DATA", help="The data folder.", show_envvar=True),
]
_Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks and log messages on stderr.")]

_SHARED = {"json": _Json, "data": _Data, "debug": _Debug}


def command(app: typer.Typer, name: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `app.command(name)`; the function's first parameter becomes the Shell made of the shared options."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(**given: Any) -> None:
            shell = Shell(**{option: given.pop(option) for option in _SHARED})
            if shell.debug:
                _log_to_stderr()
            function(shell, **given)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        defaults: dict[str, Any] = {"json": False, "data": None, "debug": False}
        shared = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=defaults[option], annotation=kind)
            for option, kind in _SHARED.items()
        ]
        keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        run.__dict__["__signature__"] = inspect.Signature([*keyword, *shared])
        run.__annotations__ = {one.name: one.annotation for one in [*keyword, *shared]}
        app.command(name, **settings)(run)
        return function

    return add


def _log_to_stderr() -> None:
    """Our own loggers down to the last detail. Of libraries only what they warn of, without what they fill in: a
    template's logger would tell whole pages of people."""
    import logging

    from rollbook.engine.log import set_up_logging

    set_up_logging("text", level=logging.DEBUG)
