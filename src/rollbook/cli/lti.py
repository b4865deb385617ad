"""`rollbook lti …`: the key with which Rollbook signs towards LTI platforms. Acts as operator."""

from __future__ import annotations

from typing import Any

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The key with which Rollbook signs towards an LMS (LTI 1.3).")
    app.add_typer(group, name="lti")

    @command(group, "keys")
    def keys(shell: Shell) -> None:
        """List the keys that an LMS is shown, the newest first: that one signs."""
        shell.open()
        _show(shell)

    @command(group, "renew-key")
    def renew(shell: Shell) -> None:
        """Make a new key, which signs from now on. An LMS is shown the one before it for a week more."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.lti_keys import renew_lti_key

        renew_lti_key(by=OPERATOR)
        _show(shell)


def _show(shell: Shell) -> None:
    from rollbook.actions.lti_keys import ready_keys
    from rollbook.store.tool_keys import shown_keys

    ready_keys()
    document: list[dict[str, Any]] = [
        {
            "kid": row.kid,
            "made": row.created_at.isoformat(timespec="seconds"),
            "shown_until": until.isoformat(timespec="seconds") if until else None,
        }
        for row, until in shown_keys()
    ]

    def people() -> None:
        for one in document:
            end = f"shown until {one['shown_until']}" if one["shown_until"] else "signs"
            shell.say(f"{one['kid']}  made {one['made']}, {end}")

    shell.answer({"keys": document}, people)
