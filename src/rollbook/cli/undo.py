"""`rollbook run undo`: says first what cannot be taken back, then asks for the undo and waits for its end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell

if TYPE_CHECKING:
    from rollbook.core.protocols import Attempt
    from rollbook.store.folder import DataFolder
    from rollbook.store.models import Run


def add_undo(group: typer.Typer) -> None:
    @command(group, "undo")
    def undo(
        shell: Shell,
        run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id, as `rollbook runs` shows it.")],
        *,
        school: Annotated[
            list[str] | None, typer.Option("--school", metavar="ID", help="Only what it did at this org.")
        ] = None,
        person: Annotated[
            list[str] | None, typer.Option("--person", metavar="UNIQUE_ID", help="Only what it did to this person.")
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only plan; send nothing.")] = False,
    ) -> None:
        """Take back what a run sent, where nothing moved on since, and pin it against the SIS.

        Limits and holds apply as to any run. What cannot be taken back is said before anything is sent.
        """
        from rollbook.cli.waiting import show_ended, wait_for

        folder = shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.runs import request_undo, undoable

        part = {"schools": school or (), "persons": person or ()}
        stays = _what_stays(folder, *undoable(run_id=run_id, **part))
        for words, number in stays.items():
            shell.note(f"Will not be undone: {words}: {number:,}")
        run = request_undo(run_id=run_id, by=OPERATOR, dry_run=dry_run, **part)  # a worker may begin with it at once
        show_ended(shell, wait_for(shell, folder, run), stays=stays)


def _what_stays(folder: DataFolder, run: Run, part: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """In words, what an undo of this part of the run cannot take back."""
    from rollbook.core import undo
    from rollbook.core.duck import connect
    from rollbook.core.ledger_files import load
    from rollbook.core.outcomes import load_outcomes, load_plan
    from rollbook.store.blobs import open_blobs
    from rollbook.store.ledger import current_version
    from rollbook.store.runs import stored_plan

    plan = stored_plan(run)
    assert plan is not None
    blobs = open_blobs(folder)
    db = connect()
    try:
        load(db, current_version(run.organization_id), blobs)
        load_plan(db, plan, blobs)
        with tempfile.TemporaryDirectory() as scratch:
            load_outcomes(db, plan, _Read(run.pk, plan.digest), Path(scratch))
        return undo.stays(db, plan, undo.Wanted(**part))
    finally:
        db.close()


class _Read:
    """What a journal of an ended run tells."""

    def __init__(self, run: str, plan: str) -> None:
        self._run, self._plan = run, plan

    def attempts(self) -> Iterator[Attempt]:
        from rollbook.store.journal import attempts

        return attempts(self._run, self._plan)
