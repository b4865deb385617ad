"""`rollbook plan` and `rollbook sync`: ask for a run and wait for its end."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell


class Kind(StrEnum):
    """What `--kind` may be; the same names as roster.lms.RUN_KINDS."""

    ALL = "all"
    SETUP = "setup"
    USERS = "users"
    COURSES = "courses"
    SECTIONS = "sections"


Org = Annotated[str, typer.Argument(metavar="ORG", help="The organization's slug.")]
Kinds = Annotated[
    list[Kind] | None,
    typer.Option("--kind", help="Only these kinds; sections include enrollments. Default: all."),
]
Schools = Annotated[
    list[str] | None, typer.Option("--school", metavar="ID", help="Only changes of these org sourcedIds.")
]
Live = Annotated[bool, typer.Option("--live", help="Compare with the live LMS, due or not.")]
Retry = Annotated[bool, typer.Option("--retry-refused", help="Try refused records again now.")]
Despite = Annotated[bool, typer.Option("--despite-blackout", help="Send on a blackout day too.")]


def add_to(app: typer.Typer) -> None:
    @command(app, "plan")
    def plan(
        shell: Shell,
        org: Org,
        *,
        kind: Kinds = None,
        school: Schools = None,
        live: Live = False,
        retry_refused: Retry = False,
    ) -> None:
        """Dry run: read, check and plan, and show what would change. Sends nothing."""
        _run(shell, org, kind, school, dry_run=True, compare_live=live, retry_refused=retry_refused)

    @command(app, "sync")
    def sync(
        shell: Shell,
        org: Org,
        *,
        kind: Kinds = None,
        school: Schools = None,
        live: Live = False,
        retry_refused: Retry = False,
        despite_blackout: Despite = False,
    ) -> None:
        """Read the SIS, plan, and bring the LMS up to date. Ctrl-C cancels cleanly. On a blackout day it only plans."""
        traits = {"compare_live": live, "retry_refused": retry_refused, "despite_blackout": despite_blackout}
        _run(shell, org, kind, school, dry_run=False, **traits)


def _run(shell: Shell, org: str, kinds: list[Kind] | None, schools: list[str] | None, **traits: bool) -> None:
    from rollbook.cli.waiting import show_ended, wait_for

    folder = shell.open()
    from rollbook.actions.actors import OPERATOR
    from rollbook.actions.runs import Wanted, request_run

    wanted = Wanted(kinds=[one.value for one in kinds or [Kind.ALL]], schools=schools or (), **traits)
    run = request_run(org=org, wanted=wanted, by=OPERATOR)
    if run.blackout:
        shell.note(f"Today is a blackout day ({run.blackout}): nothing is sent, this run only plans.")
    show_ended(shell, wait_for(shell, folder, run))
