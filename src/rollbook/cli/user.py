"""`rollbook user add`: one person, by e-mail address. What becomes of the account later is `rollbook admin`."""

from __future__ import annotations

from typing import Annotated

import typer

from rollbook.cli.admin import make_invitation
from rollbook.cli.command import command
from rollbook.cli.shell import Shell


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="People who sign in to the pages; more in `rollbook admin`.")
    app.add_typer(group, name="user")

    @command(group, "add")
    def add(
        shell: Shell,
        email: Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail address.")],
        *,
        org: Annotated[str | None, typer.Option("--org", metavar="SLUG", help="Into this organization.")] = None,
        role: Annotated[
            str, typer.Option("--role", metavar="ROLE", help="administrator, viewer or teacher.")
        ] = "administrator",
        acting: Annotated[
            bool, typer.Option("--acting", help="Becomes the acting user, if there is none then.")
        ] = False,
        name: Annotated[str, typer.Option("--name", metavar="NAME", help="How the form is filled in.")] = "",
    ) -> None:
        """Print the link with which this person makes the account and chooses the password. Without --org: an operator.

        It is an invitation for this address alone; it works once, for seven days.
        """
        if "@" not in email:
            raise typer.BadParameter("that is no e-mail address", param_hint="EMAIL")
        make_invitation(shell, org=org, email=email, name=name, role=role, acting=acting)

    @group.callback()
    def user() -> None:  # keeps `add` a command of its own while it is the only one
        """People who sign in to the pages; more in `rollbook admin`."""
