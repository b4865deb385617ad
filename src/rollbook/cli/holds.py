"""`rollbook hold …`: look at what waits for a person, and decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from rollbook.cli.command import command
from rollbook.cli.exits import code_of
from rollbook.cli.shell import Shell

HoldId = Annotated[str | None, typer.Argument(metavar="[HOLD]", help="The hold's id.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept for good.")]
Org = Annotated[str | None, typer.Option("--org", metavar="SLUG", help="Only this organization's hold.")]
Everything = Annotated[bool, typer.Option("--all", help="All that waits in the organization of --org.")]
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

    _add_approve(group)
    _add_reject(group)


def _add_approve(group: typer.Typer) -> None:
    @command(group, "approve")
    def approve(
        shell: Shell,
        hold: HoldId = None,
        *,
        by: By,
        reason: Reason,
        until: Until = None,
        org: Org = None,
        everything: Everything = False,
    ) -> None:
        """Permit exactly these changes and sync afresh; old rows are never sent."""
        from rollbook.cli.waiting import show_ended, wait_for

        folder = shell.open()
        from rollbook.actions import holds

        if everything:
            decided, runs = holds.approve_all(org=_whole(hold, org), by=by, reason=reason, until=_aware(until))
        else:
            one, run = holds.approve_hold(hold_id=_one(hold), by=by, reason=reason, until=_aware(until), org=org)
            decided, runs = [one], [run]
        names = [one.hold for one in decided]
        number = sum(one.count for one in decided)
        shell.note(f"Approved {number:,} changes; run {' and run '.join(run.pk for run in runs)} plans afresh.")
        ended = [wait_for(shell, folder, run) for run in runs]
        more: dict[str, Any] = {"runs": [run.pk for run in runs]} if len(runs) > 1 else {}
        shown = next((run for run in ended if code_of(run)), ended[0])
        show_ended(shell, shown, approved=names if everything else names[0], **more)


def _add_reject(group: typer.Typer) -> None:
    @command(group, "reject")
    def reject(
        shell: Shell,
        hold: HoldId = None,
        *,
        by: By,
        reason: Reason,
        org: Org = None,
        everything: Everything = False,
    ) -> None:
        """Leave the LMS as it is; the very same changes are not asked about again."""
        shell.open()
        from rollbook.actions import holds
        from rollbook.store.summary import hold_summary

        if everything:
            rows = holds.reject_all(org=_whole(hold, org), by=by, reason=reason)
            document = {"org": org, "holds": [hold_summary(row) for row in rows]}
        else:
            rows = [holds.reject_hold(hold_id=_one(hold), by=by, reason=reason, org=org)]
            document = hold_summary(rows[0])
        number = sum(row.count for row in rows)
        shell.answer(document, lambda: shell.say(f"Rejected {number:,} changes; nothing is sent."))


def _one(hold: str | None) -> str:
    from rollbook.errors import ConfigError

    if hold is None:
        raise ConfigError("say which hold, or --all --org SLUG for all that wait in an organization")
    return hold


def _whole(hold: str | None, org: str | None) -> str:
    from rollbook.errors import ConfigError

    if hold is not None or org is None:
        raise ConfigError("--all decides about everything that waits in one organization: --all --org SLUG, no hold")
    return org


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
        rows = (
            list(HoldRow.objects.filter(organization=found, run__preview_year="")) if everything else waiting_holds(org)
        )
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
