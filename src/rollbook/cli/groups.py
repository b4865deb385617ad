"""Which module brings which commands, and the application made of them. Loads only what is asked for: a command that is
started a hundred times a day need not know all others."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

import typer

#: Modules of this folder, in the order of the help, with the first words of their commands.
MODULES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "demo": ("demo",),
        "prep": ("prep",),
        "sync": ("plan", "sync"),
        "runs": ("runs", "run"),
        "holds": ("hold",),
        "pins": ("pin",),
        "schedule": ("schedule",),
        "grades": ("grades",),
        "check": ("check",),
        "config": ("config",),
        "notices": ("notices",),
        "generate": ("generate",),
        "practice": ("practice",),
        "work": ("worker", "up"),
        "serve": ("web",),
        "user": ("user",),
        "admin": ("admin",),
        "lti": ("lti",),
        "operate": ("migrate", "keys", "gc", "backup", "restore"),
        "doctor": ("doctor",),
        "version": ("version",),
    }
)
_BROUGHT_BY: Final = {word: module for module, words in MODULES.items() for word in words}


def module_of(word: str) -> str | None:
    """The module that brings the command of this first word; None for a word that is no command."""
    return _BROUGHT_BY.get(word)


def application(only: str | None = None) -> typer.Typer:
    """All commands, or `only` those of one module."""
    app = typer.Typer(
        name="rollbook",
        help="Rosters in, grades out: reads a SIS, shows what would change, provisions the LMS, and sends grades back.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in MODULES if only is None else (only,):
        import_module(f"rollbook.cli.{module}").add_to(app)
    return app
