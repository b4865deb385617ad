"""`rollbook pin …`: what undos keep so against the SIS, and letting it go."""

from __future__ import annotations

from typing import Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell

Org = Annotated[str, typer.Argument(metavar="ORG", help="The organization's slug.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="What undos keep so, whatever the SIS says.")
    app.add_typer(group, name="pin")
    _add_list(group)
    _add_lift(group)


def _add_list(group: typer.Typer) -> None:
    @command(group, "list")
    def show_list(
        shell: Shell,
        org: Org,
        everything: Annotated[bool, typer.Option("--all", help="Ended ones too, with the reason.")] = False,
    ) -> None:
        """Show what is pinned, to which value, against which one, and until when."""
        shell.open()
        from rollbook.actions.organizations import find_organization
        from rollbook.actions.pins import holding_pins
        from rollbook.store.models import PinRow
        from rollbook.store.summary import pin_summary

        found = find_organization(org)
        rows = list(PinRow.objects.filter(organization=found)) if everything else holding_pins(org)
        summaries = [pin_summary(row) for row in rows]

        def people() -> None:
            from rollbook.cli import show

            show.pins(summaries)

        shell.answer({"org": org, "pins": summaries}, people)


def _add_lift(group: typer.Typer) -> None:
    @command(group, "lift")
    def lift(
        shell: Shell,
        org: Org,
        pins: Annotated[list[int] | None, typer.Argument(metavar="[PIN…]", help="Numbers of pins.")] = None,
        *,
        by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who lifts them.")],
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept for good.")],
        run: Annotated[str | None, typer.Option("--run", metavar="ID", help="All pins of this undo.")] = None,
        everything: Annotated[bool, typer.Option("--all", help="All that hold now.")] = False,
    ) -> None:
        """End pins: the next sync sends what the SIS says."""
        shell.open()
        from rollbook.actions.pins import lift_pins
        from rollbook.store.summary import pin_summary

        rows = lift_pins(org=org, by=by, reason=reason, pins=pins or (), run_id=run, everything=everything)
        words = f"Lifted {len(rows):,} pins; the next sync sends what the SIS says."
        shell.answer({"org": org, "pins": [pin_summary(row) for row in rows]}, lambda: shell.say(words))
