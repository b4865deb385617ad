"""`rollbook generate`: a realistic district as OneRoster CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell
from rollbook.errors import ConfigError


def add_to(app: typer.Typer) -> None:
    @command(app, "generate")
    def generate(
        shell: Shell,
        *,
        out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for day-001, day-002, …")],
        students: Annotated[int, typer.Option("--students", min=1, help="How many students.")] = 1000,
        seed: Annotated[int, typer.Option("--seed", help="Same seed, same district.")] = 1,
        days: Annotated[int, typer.Option("--days", min=1, help="How many days, each changed a little.")] = 1,
        version: Annotated[str, typer.Option("--format", metavar="1.1|1.2", help="OneRoster version.")] = "1.1",
        mess: Annotated[list[str] | None, typer.Option("--mess", metavar="NAME", help="See --list-mess.")] = None,
        change: Annotated[float, typer.Option("--change", min=0, max=1, help="Share changed a day.")] = 0.01,
        packed: Annotated[bool, typer.Option("--zip", help="Pack each day as a zip.")] = False,
        list_mess: Annotated[bool, typer.Option("--list-mess", help="Print the kinds of mess and end.")] = False,
    ) -> None:
        """Write a realistic district as OneRoster CSV, one folder a day, with named kinds of mess."""
        from rollbook.practice import district

        if list_mess:
            kinds = district.mess_descriptions()
            shell.answer(
                {"mess": kinds}, lambda: shell.say("\n".join(f"{name:24} {does}" for name, does in kinds.items()))
            )
            return
        try:
            made = district.generate(
                out, students=students, seed=seed, days=days, version=version, mess=mess or (), change=change,
                zip=packed,
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(str(error)) from None
        except OSError as error:
            raise ConfigError(f"{out} cannot be written: {error.strerror}") from None
        paths = [str(path) for path in made]
        shell.answer({"days": paths, "students": students, "seed": seed}, lambda: shell.say("\n".join(paths)))
