"""What every command gets: where data lies, and how to answer people and scripts. Light to import."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rollbook.store.folder import DataFolder

Document = dict[str, Any] | list[Any]


@dataclass(frozen=True)
class Shell:
    """`json`: one JSON document on stdout and nothing else. `data`: the data folder, None for the default."""

    json: bool = False
    data: Path | None = None
    debug: bool = False

    def open(self) -> DataFolder:
        """Open the data folder (and make a new one). Raises ConfigError."""
        from rollbook.engine.log import set_up_last_resort
        from rollbook.store.setup import setup

        set_up_last_resort()
        return setup(self.data or default_data())

    def answer(self, document: Document, people: Callable[[], None]) -> None:
        """The one answer of a command: JSON for scripts, or what `people` prints."""
        if self.json:
            write_json(document)
        else:
            people()

    def say(self, text: str) -> None:
        """A line for people, on stdout; nothing with --json."""
        if not self.json:
            typer.echo(text)

    def note(self, text: str) -> None:
        """A remark on stderr."""
        typer.echo(text, err=True)


def write_json(document: Document) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
    sys.stdout.flush()


def default_data() -> Path:
    """ROLLBOOK_DATA, else `rollbook-data` in the user's data directory."""
    named = os.environ.get("ROLLBOOK_DATA")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir()) / "rollbook-data"
