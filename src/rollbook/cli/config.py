"""`rollbook config …`: settings of an organization as YAML."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell
from rollbook.errors import ConfigError

if TYPE_CHECKING:
    from rollbook.actions.secret_texts import Surroundings

File = Annotated[Path, typer.Argument(metavar="FILE", help="A YAML file; - is stdin or stdout.")]
Org = Annotated[str | None, typer.Option("--org", metavar="SLUG", help="The file must be of this organization.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Settings and mappings of an organization as YAML.")
    app.add_typer(group, name="config")
    _add_check(group)
    _add_import(group)
    _add_export(group)
    _add_test(group)


def _add_check(group: typer.Typer) -> None:
    @command(group, "check")
    def check(shell: Shell, file: File, org: Org = None) -> None:
        """Say whether a settings file is right; store nothing, connect to nothing."""
        from rollbook.actions.settings_text import read_settings

        text, around = _read(file)
        settings = read_settings(text, name=_name(file), around=around).settings
        slug = settings.organization.slug
        if org not in (None, slug):
            raise ConfigError(f"{_name(file)} holds the settings of {slug}, not of {org}")
        found = {"org": slug, "ok": True, "sis": settings.sis.connector, "lms": settings.lms.connector}
        shell.answer(found, lambda: shell.say(f"The settings of {slug} are fine."))


def _add_import(group: typer.Typer) -> None:
    @command(group, "import")
    def import_file(shell: Shell, file: File, org: Org = None) -> None:
        """Save a settings file. Secrets are looked up now and stored encrypted."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.settings import import_settings

        text, around = _read(file)
        saved = import_settings(text, name=_name(file), around=around, by=OPERATOR, slug=org)
        words = f"saved as version {saved.number}" if saved.changed else f"unchanged, version {saved.number}"
        found = {"org": saved.organization, "version": saved.number, "changed": saved.changed}
        shell.answer(found, lambda: shell.say(f"Settings of {saved.organization}: {words}."))


def _add_export(group: typer.Typer) -> None:
    @command(group, "export")
    def export_file(
        shell: Shell,
        file: File,
        org: Annotated[
            str | None, typer.Option("--org", metavar="SLUG", help="Which one; not needed where there is only one.")
        ] = None,
    ) -> None:
        """Write an organization's settings, with ${NAME} where secrets belong."""
        shell.open()
        from rollbook.actions.settings import export_settings

        slug = org or _only_organization()
        text = export_settings(slug)
        if str(file) == "-" and not shell.json:
            sys.stdout.write(text)
            return
        if str(file) != "-":
            _write(file, text)
        found = {"org": slug, "file": str(file), "settings": text}
        shell.answer(found, lambda: shell.say(f"Settings of {slug} written to {file}."))


def _add_test(group: typer.Typer) -> None:
    @command(group, "test")
    def test(
        shell: Shell,
        org: Annotated[str, typer.Argument(metavar="ORG", help="The organization's slug.")],
        *,
        source: Annotated[bool, typer.Option("--source", help="The connection to the SIS alone.")] = False,
        target: Annotated[bool, typer.Option("--target", help="The connection to the LMS alone.")] = False,
    ) -> None:
        """Try the saved connections as a run would open them; write nothing to either side."""
        folder = shell.open()
        from rollbook.cli.connections import try_connections

        sides = [side for side, asked in (("sis", source), ("lms", target)) if asked] or ["sis", "lms"]
        tests, code = try_connections(folder, org, sides)

        def people() -> None:
            for one in tests:
                shell.say(f"{one['side']} ({one['connector']}): {'ok' if one['ok'] else 'FAILED'}. {one['summary']}")
                for name, fact in one["facts"].items():
                    shell.say(f"  {name}: {fact}")
                if "who" in one:
                    shell.say(f"  Who must act: {one['who']}.")

        shell.answer({"org": org, "ok": code == 0, "tests": tests}, people)
        if code:
            raise typer.Exit(code)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from None


def _read(file: Path) -> tuple[str, Surroundings]:
    from rollbook.actions.secret_texts import Surroundings

    if str(file) == "-":
        return sys.stdin.read(), Surroundings(os.environ, Path.cwd())
    try:
        return file.read_text("utf-8-sig"), Surroundings(os.environ, file.resolve().parent)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text") from None


def _name(file: Path) -> str:
    return "the settings" if str(file) == "-" else file.name


def _only_organization() -> str:
    from rollbook.store.models import Organization

    slugs = list(Organization.objects.order_by("slug").values_list("slug", flat=True))
    if len(slugs) != 1:
        raise ConfigError(f"say which organization with --org: {', '.join(slugs) or 'there is none yet'}")
    return str(slugs[0])
