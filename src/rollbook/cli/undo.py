"""`rollbook run undo`: says first what cannot be taken back, then asks for the undo and waits for its end."""

from __future__ import annotations

from typing import Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell


def add_undo(group: typer.Typer) -> None:
    @command(group, "undo")
    def undo(
        shell: Shell,
        run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id, as `rollbook runs` shows it.")],
        *,
        school: Annotated[
            list[str] | None, typer.Option("--school", metavar="ID", help="Only what it did at this org.")
        ] = None,
        section: Annotated[
            list[str] | None,
            typer.Option("--section", metavar="CODE", help="Of a run of grades: only what it did to this section."),
        ] = None,
        person: Annotated[
            list[str] | None, typer.Option("--person", metavar="UNIQUE_ID", help="Only what it did to this person.")
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only plan; send nothing.")] = False,
    ) -> None:
        """Take back what a run sent, where nothing moved on since, and pin it against the SIS (grades: the LMS).

        Limits and holds apply as to any run. What cannot be taken back is said before anything is sent.
        """
        from rollbook.cli.waiting import show_ended, wait_for

        folder = shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.runs import Part, request_undo, undoable
        from rollbook.store.undo_outlook import undo_outlook

        part = Part(schools=school or (), sections=section or (), persons=person or ())
        stays = undo_outlook(folder, *undoable(run_id=run_id, part=part)).stays
        for words, number in stays.items():
            shell.note(f"Will not be undone: {words}: {number:,}")
        run = request_undo(run_id=run_id, by=OPERATOR, dry_run=dry_run, part=part)  # a worker may begin with it at once
        show_ended(shell, wait_for(shell, folder, run), stays=stays)
