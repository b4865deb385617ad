"""`rollbook hold …`: look at what waits for a person, and decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell

HoldId = Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept for good.")]
Org = Annotated[str | None, typer.Option("--org", metavar="SLUG", help="Only this organization's hold.")]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
        help="How long the approval holds (UTC if no offset is given). Default: for one sync.",
    ),
]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="What waits for a person.")
    app.add_typer(group, name="hold")
    _add_list(group)

    @command(group, "approve")
    def approve(shell: Shell, hold: HoldId, *, by: By, reason: Reason, until: Until = None, org: Org = None) -> None:
        """Permit exactly these changes and sync afresh; old rows are never sent."""
        from rollbook.cli.waiting import show_ended, wait_for

        folder = shell.open()
        from rollbook.actions.holds import approve_hold

        decided, run = approve_hold(hold_id=hold, by=by, reason=reason, until=_aware(until), org=org)
        shell.note(f"Approved {decided.count:,} changes; run {run.pk} plans afresh.")
        show_ended(shell, wait_for(shell, folder, run), approved=hold)

    @command(group, "reject")
    def reject(shell: Shell, hold: HoldId, by: By, reason: Reason, org: Org = None) -> None:
        """Leave the LMS as it is; the same hold is not asked about again."""
        shell.open()
        from rollbook.actions.holds import reject_hold
        from rollbook.store.summary import hold_summary

        decided = hold_summary(reject_hold(hold_id=hold, by=by, reason=reason, org=org))
        shell.answer(decided, lambda: shell.say(f"Rejected {decided['count']:,} changes; nothing is sent."))


def _add_list(group: typer.Typer) -> None:
    @command(group, "list")
    def show_list(
        shell: Shell,
        org: Annotated[str, typer.Argument(metavar="ORG", help="The organization's slug.")],
        everything: Annotated[bool, typer.Option("--all", help="Decided and superseded ones too.")] = False,
    ) -> None:
        """Show what waits for a decision."""
        shell.open()
        from rollbook.actions.organizations import find_organization
        from rollbook.store.models import HoldRow
        from rollbook.store.summary import hold_summary, waiting_holds

        found = find_organization(org)
        rows = list(HoldRow.objects.filter(organization=found)) if everything else waiting_holds(org)
        summaries = [hold_summary(row) for row in rows]

        def people() -> None:
            from rollbook.cli import show

            show.holds(summaries)
            if not summaries:
                shell.say("Nothing is held.")

        shell.answer({"org": org, "holds": summaries}, people)


def _aware(moment: datetime | None) -> datetime | None:
    from datetime import UTC

    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
