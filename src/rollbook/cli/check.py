"""`rollbook check`: read a OneRoster source and print findings; no organization is needed for a file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell
from rollbook.errors import ConfigError

if TYPE_CHECKING:
    from rollbook.connectors.base import Source
    from rollbook.pipeline.run_types import CheckResult
    from rollbook.roster.settings import FieldMap


def add_to(app: typer.Typer) -> None:
    @command(app, "check")
    def check(
        shell: Shell,
        path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="A OneRoster CSV folder or zip.")] = None,
        org: Annotated[str | None, typer.Option("--org", metavar="SLUG", help="This one's SIS.")] = None,
        examples: Annotated[int, typer.Option("--examples", min=0, help="Places to show per code.")] = 5,
    ) -> None:
        """Read a OneRoster folder or zip, or an organization's SIS, and say what is wrong with it."""
        if (path is None) == (org is None):
            raise ConfigError("say what to check: a PATH, or --org SLUG")
        with tempfile.TemporaryDirectory(prefix="rollbook-check-") as scratch:
            found = _check_path(path, Path(scratch)) if path else _check_org(shell, str(org), Path(scratch))
        _answer(shell, found, examples)


def _check_path(path: Path, work: Path) -> CheckResult:
    from datetime import date

    from rollbook.connectors.registry import connector

    csv = connector("oneroster_csv")
    assert csv.source is not None
    source = csv.source(csv.options(path=str(path)), _context(work))
    return _check(source, work, date.today())


def _check_org(shell: Shell, slug: str, work: Path) -> CheckResult:
    folder = shell.open()
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from rollbook.actions.organizations import current_settings, find_organization
    from rollbook.engine.world import Doors
    from rollbook.store.secrets import KeyRing, secrets_of

    organization = find_organization(slug)
    _, settings = current_settings(organization)
    doors = Doors(settings, secrets_of(organization.pk, KeyRing(folder.keys)), work, _NeverCancel())
    today = datetime.now(ZoneInfo(settings.organization.timezone)).date()
    return _check(doors.source(), work, today, settings.users)


def _check(source: Source, work: Path, today: Any, users: FieldMap | None = None) -> CheckResult:
    from rollbook.cli.bars import progress_bar
    from rollbook.core.protocols import Progress
    from rollbook.pipeline.roster_run import check_source

    try:
        with progress_bar() as listener:
            progress = Progress(listeners=[listener] if listener else [])
            return check_source(source, work=work / "run", progress=progress, today=today, users=users)
    finally:
        source.close()


def _answer(shell: Shell, found: CheckResult, examples: int) -> None:
    from rollbook.store.rows import group_findings

    groups = group_findings(found.rows, examples)
    document = {
        "ok": not found.blocking,
        "read": found.read,
        "incomplete": found.incomplete,
        "blocking": found.blocking,
        "findings": groups,
        "sanity": found.sanity,
    }

    def people() -> None:
        from rollbook.cli import show

        show.table("", tuple(found.read), [tuple(f"{n:,}" for n in found.read.values())], right=tuple(found.read))
        for name, reason in found.incomplete.items():
            shell.say(f"{name} could not be read completely: {reason}")
        show.findings(groups)
        for words, number in found.sanity.items():
            if number:
                shell.say(f"{number:,} {words}")

    shell.answer(document, people)
    if found.blocking:
        raise typer.Exit(1)


def _context(work: Path) -> Any:
    from rollbook.connectors.base import Context

    folder = work / "source"
    folder.mkdir()
    return Context(work=folder, cancel=_NeverCancel(), count=lambda attempts=1, /: None)


class _NeverCancel:
    """Ctrl-C ends the whole process; nothing needs to be written down."""

    def check(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        import time

        time.sleep(seconds)
