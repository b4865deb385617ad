"""`rollbook version`."""

from __future__ import annotations

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell


def add_to(app: typer.Typer) -> None:
    @command(app, "version")
    def version(shell: Shell) -> None:
        """Print the version of Rollbook."""
        import platform
        from importlib.metadata import version as installed

        found = {"version": installed("rollbook"), "python": platform.python_version()}
        shell.answer(found, lambda: shell.say(f"Rollbook {found['version']} on Python {found['python']}"))
