"""`rollbook notices …`: try the notices of an organization, and look at the outbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell

if TYPE_CHECKING:
    from rollbook.store.folder import DataFolder

Org = Annotated[str, typer.Argument(metavar="ORG", help="The organization's slug.")]
_PATIENCE = 120.0


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Mails and webhooks that tell people how runs went.")
    app.add_typer(group, name="notices")
    _add_list(group)
    _add_test(group)
    _add_send(group)


def _add_list(group: typer.Typer) -> None:
    @command(group, "list")
    def list_notices(
        shell: Shell,
        org: Org,
        most: Annotated[int, typer.Option("--most", min=1, help="The latest so many.")] = 50,
    ) -> None:
        """The outbox: what was sent, what waits, what could not be sent and why."""
        shell.open()
        from rollbook.actions.organizations import find_organization
        from rollbook.store.models import NoticeRow
        from rollbook.store.summary import notice_summary

        rows = NoticeRow.objects.filter(organization=find_organization(org)).order_by("-created_at", "-id")
        _answer(shell, org, [notice_summary(row) for row in rows[:most]])


def _add_test(group: typer.Typer) -> None:
    @command(group, "test")
    def test(shell: Shell, org: Org) -> None:
        """Send a test notice to everybody whom the settings name, now. Exits 1 when one could not be sent."""
        folder = shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.notices import request_test

        rows = _deliver(folder, request_test(org=org, by=OPERATOR))
        _answer(shell, org, rows)
        if any(row["state"] != "sent" for row in rows):
            raise typer.Exit(1)


def _add_send(group: typer.Typer) -> None:
    @command(group, "send")
    def send(shell: Shell) -> None:
        """Deliver what is due, of all organizations. `up` and `worker` do that by themselves; this is for cron."""
        folder = shell.open()
        from django.utils import timezone

        from rollbook.engine.notices import deliver_due
        from rollbook.store.outbox import count_open

        sent = deliver_due(folder, timezone.now())
        waiting = count_open()
        shell.answer({"sent": sent, "waiting": waiting}, lambda: shell.say(f"{sent} sent, {waiting} waiting."))


def _deliver(folder: DataFolder, ids: list[str]) -> list[dict[str, Any]]:
    """Send these notices; a worker may be faster than we are."""
    from django.utils import timezone

    from rollbook.engine.notices import deliver_due
    from rollbook.store.models import NoticeRow
    from rollbook.store.summary import notice_summary

    until = time.monotonic() + _PATIENCE
    while True:
        deliver_due(folder, timezone.now(), only=ids)
        rows = [notice_summary(row) for row in NoticeRow.objects.filter(pk__in=ids)]
        if all(row["state"] in ("sent", "failed") for row in rows) or time.monotonic() > until:
            return rows
        time.sleep(0.5)


def _answer(shell: Shell, org: str, rows: list[dict[str, Any]]) -> None:
    def people() -> None:
        from rollbook.cli import show

        columns = ("when", "about", "to", "state", "trouble")
        cells = ((r["created_at"], " ".join(r["events"]), r["to"], r["state"], r["error"] or "") for r in rows)
        show.table("", columns, cells)

    shell.answer({"org": org, "notices": rows}, people)
