"""`rollbook prep …`: Data Prep by files. Decides nothing by itself, and saves a file whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell
from rollbook.errors import ConfigError

if TYPE_CHECKING:
    from rollbook.actions.matching_files import Decided
    from rollbook.store.both_systems import Look
    from rollbook.store.models import Organization

#: So many lines with mistakes are named.
_NAMED: Final = 20


class Shown(StrEnum):
    """Who is in the file; the same names as actions.matching_files.STATES."""

    CONFLICT = "conflict"
    SIS = "sis"
    LMS = "lms"
    BOTH = "both"
    ALL = "all"


Org = Annotated[str, typer.Argument(metavar="ORG", help="The organization's slug.")]
Out = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file that is not there yet; - is stdout.")]
In = Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file with decisions; - is stdin.")]
Show = Annotated[
    Shown,
    typer.Option("--show", help="Who: to be decided about, only in the SIS, only in the LMS, in both, or everybody."),
]
Skip = Annotated[bool, typer.Option("--skip", help="Nobody has looked, and that is meant so.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Data Prep: whose the accounts are that were there before.")
    app.add_typer(group, name="prep")
    _add_export(group)
    _add_import(group)
    _add_done(group)


def _add_export(group: typer.Typer) -> None:
    @command(group, "export")
    def export(shell: Shell, org: Org, file: Out, *, show: Show = Shown.CONFLICT) -> None:
        """Write who is to be decided about as CSV, one row an account, as the newest `rollbook plan ORG --live` found
        them."""
        shell.open()
        from rollbook.actions.matching_files import COLUMNS, people_rows
        from rollbook.actions.organizations import find_organization
        from rollbook.store.blobs import open_blobs
        from rollbook.store.setup import opened
        from rollbook.web.csv import csv_text

        found = find_organization(org)
        look = _look(found)
        state = None if show is Shown.ALL else show.value
        rows = list(people_rows(open_blobs(opened()), found, look, state))
        text = csv_text(COLUMNS, rows)
        if str(file) == "-" and not shell.json:
            sys.stdout.writelines(text)
            return
        if str(file) != "-":
            _write(file, text)
        proposed = sum(1 for row in rows if row[COLUMNS.index("proposal")])
        document = {"org": org, "file": str(file), "run": look.run, "rows": len(rows), "proposed": proposed}
        more = f" ({proposed:,} with a proposal)" if proposed else ""
        shell.answer(document, lambda: shell.say(f"Wrote {len(rows):,} rows{more} to {file}."))


def _add_import(group: typer.Typer) -> None:
    @command(group, "import")
    def import_file(shell: Shell, org: Org, file: In) -> None:
        """Save the column `decision` (link, leave, ask) of a file. If a row is wrong, none is saved."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.matching import decide_matches
        from rollbook.actions.matching_files import NEEDED, read_decisions
        from rollbook.actions.organizations import find_organization
        from rollbook.core.protocols import ASK, LEAVE, LINK
        from rollbook.store.blobs import open_blobs
        from rollbook.store.setup import opened
        from rollbook.web.csv_in import rows_of

        organization = find_organization(org)
        look = _look(organization)
        found = read_decisions(open_blobs(opened()), organization, rows_of(_read(file), NEEDED), look)
        if found.problems:
            raise ConfigError(_wrong(file, found))
        changed = decide_matches(org=org, by=OPERATOR, decisions=list(found.decisions.values()))
        counts = {choice: found.number_of(choice) for choice in (LINK, LEAVE, ASK)}
        words = f"Saved {changed:,} new decisions; the next sync of users goes by them."
        if not changed:
            words = "Nothing was decided anew."
        shell.answer({"org": org, "changed": changed, **counts}, lambda: shell.say(words))


def _add_done(group: typer.Typer) -> None:
    @command(group, "done")
    def done(shell: Shell, org: Org, *, skip: Skip = False) -> None:
        """Say that Data Prep was looked at: Users, Courses and Sections open on the pages."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.matching import LOOKED, SKIPPED, finish_data_prep
        from rollbook.actions.organizations import find_organization

        if not skip:
            _look(find_organization(org))
        how = SKIPPED if skip else LOOKED
        finish_data_prep(org=org, by=OPERATOR, how=how)
        shell.answer({"org": org, "data_prep": how}, lambda: shell.say("Data Prep is done."))


def _look(organization: Organization) -> Look:
    from rollbook.store.both_systems import newest_look

    look = newest_look(organization)
    if look is None or not look.people_blob:
        slug = organization.slug
        raise ConfigError(f"nobody has looked at both systems of {slug} yet: rollbook plan {slug} --live")
    return look


def _wrong(file: Path, found: Decided) -> str:
    """Every line that is wrong, up to a number of them."""
    number = len(found.problems)
    lines = [f"\n  line {line}: {words}" for line, words in found.problems[:_NAMED]]
    more = f"\n  and {number - _NAMED:,} more" if number > _NAMED else ""
    head = "1 row is" if number == 1 else f"{number:,} rows are"
    return f"{head} wrong in {_name(file)}, so nothing was saved:{''.join(lines)}{more}"


def _name(file: Path) -> str:
    return "the file" if str(file) == "-" else file.name


def _write(file: Path, text: Iterator[str]) -> None:
    """A new file, for its owner alone: there are people in it, and an old one may have decisions in it."""
    try:
        with os.fdopen(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
        ) as out:
            out.writelines(text)
    except FileExistsError:
        raise ConfigError(f"{file} is there already, perhaps with decisions in it; give another name") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from None


def _read(file: Path) -> bytes:
    from rollbook.web.csv_in import MOST_BYTES

    try:
        if str(file) == "-":
            body = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with file.open("rb") as opened:
                body = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    if len(body) > MOST_BYTES:
        raise ConfigError(f"{_name(file)} is too large: at most {MOST_BYTES >> 20} MB are read")
    return body
