"""Operation: `rollbook migrate`, `keys rotate`, `gc`, `backup`, `restore`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell, default_data


def add_to(app: typer.Typer) -> None:
    _add_migrate(app)
    _add_keys(app)
    _add_gc(app)
    _add_backup(app)
    _add_restore(app)


def _add_migrate(app: typer.Typer) -> None:
    @command(app, "migrate")
    def migrate(shell: Shell) -> None:
        """Bring the data folder's tables to this release."""
        import_module("rollbook.web")  # the libraries of the pages have tables too
        from rollbook.store.setup import connect
        from rollbook.store.setup import migrate as bring_up

        connect(shell.data or default_data())
        done = bring_up()
        shell.answer({"migrations": done}, lambda: shell.say(", ".join(done) or "Everything is up to date."))


def _add_keys(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The key ring that encrypts secrets and passwords.")
    app.add_typer(group, name="keys")

    @command(group, "rotate")
    def rotate(shell: Shell) -> None:
        """Make a new key, encrypt every secret anew and forget the older keys."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.keys import rotate_keys

        count = rotate_keys(by=OPERATOR)
        shell.answer({"encrypted": count}, lambda: shell.say(f"Encrypted {count:,} secrets with a new key."))

    @group.callback()
    def keys() -> None:  # keeps `rotate` a command of its own while it is the only one
        """The key ring that encrypts secrets and passwords."""


def _add_gc(app: typer.Typer) -> None:
    @command(app, "gc")
    def gc(
        shell: Shell,
        days: Annotated[int, typer.Option("--days", min=0, help="Keep plans and findings this long.")] = 30,
    ) -> None:
        """Delete files that nothing needs any more, a day after they were last needed."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.upkeep import collect_garbage

        found = collect_garbage(by=OPERATOR, days=days)
        words = f"Deleted {found['deleted']:,} files ({found['bytes'] >> 20} MiB); {found['loose']:,} wait a day."
        shell.answer(dict(found), lambda: shell.say(words))


def _add_backup(app: typer.Typer) -> None:
    @command(app, "backup")
    def backup(
        shell: Shell, file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write.")]
    ) -> None:
        """Write database, files and keys into one archive. Keep it as safe as the data folder itself."""
        from rollbook.store.backup import write_backup
        from rollbook.store.setup import connect

        # Not opened: with the tables of an earlier release, this comes before `migrate`.
        size = write_backup(connect(shell.data or default_data()), file)
        words = f"Backup written to {file} ({size >> 10:,} KiB). It holds the keys: keep it safe."
        shell.answer({"file": str(file), "bytes": size}, lambda: shell.say(words))


def _add_restore(app: typer.Typer) -> None:
    @command(app, "restore")
    def restore(
        shell: Shell,
        file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="An archive of `backup`.")] = None,
        from_dump: Annotated[
            bool, typer.Option("--from-dump", help="PostgreSQL was just filled by pg_restore; there is no FILE.")
        ] = False,
    ) -> None:
        """Fill an empty data folder from a backup. The next run compares with the live LMS first."""
        import_module("rollbook.web")  # the libraries of the pages have tables too
        from rollbook.store.backup import read_backup, take_dump

        if (file is None) != from_dump:
            raise typer.BadParameter("give a FILE, or --from-dump after pg_restore")
        data = shell.data or default_data()
        folder = take_dump(data) if file is None else read_backup(file, data)
        words = f"Restored to {folder.path}. The next run of each organization reads the live LMS first."
        shell.answer({"data": str(folder.path), "compare_live": True}, lambda: shell.say(words))
