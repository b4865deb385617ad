"""What the tests of store and command line share: an open data folder, and the command in this process."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from tests.cli.again import again

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"

SETTINGS = """
organization: {slug: maple, name: Maple Valley, timezone: America/New_York}
sis: {connector: memory, options: {space: SPACE, key: memory}}
lms: {connector: memory, options: {space: SPACE, key: memory}}
active_year: 2027
schools: {"*": create}
terms: {"*": {"*": create}}
roles: {"*": {student: Student, teacher: Teacher, "*": skip}}
"""


@contextmanager
def open_store(path: Path) -> Iterator[DataFolder]:
    """A data folder with tables; connections are closed at the end."""
    from rollbook.store.setup import setup

    place_tables(path)
    try:
        yield setup(path)
    finally:
        close_store()


def place_tables(path: Path) -> None:
    """Give an empty data folder the tables that `setup` would make, which takes it most of a second."""
    file = DataFolder(path).database
    if "DATABASE_URL" in os.environ or file.exists():
        return
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(_tables())


@functools.cache
def _tables() -> bytes:
    """The database of a fresh data folder, made once in a test process."""
    from rollbook.store.setup import setup

    with tempfile.TemporaryDirectory() as scratch:
        folder = setup(Path(scratch) / "data")
        close_store()
        return folder.database.read_bytes()


def close_store() -> None:
    from django.db import connections

    connections.close_all()


@dataclass
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    """The command `rollbook` in this process, on one data folder. Every JSON answer is held against its schema."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: str, schema: str = "run", code: int = 0) -> Any:
        """The JSON answer; `schema` is the file's name in docs/reference/schemas."""
        answer = self.text(*arguments, "--json")
        assert answer.code == code, answer
        check_schema(schema, answer.json)
        return answer.json

    def text(self, *arguments: str) -> Answer:
        close_store()  # a connection that a test left open would go on with a file that `again` has replaced
        return again(self.data, arguments, partial(self._work, arguments))

    def _work(self, arguments: Sequence[str]) -> Answer:
        from rollbook.cli.main import main

        out, err = io.StringIO(), io.StringIO()
        code = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main([*arguments, "--data", str(self.data)])
            except SystemExit as end:
                code = int(end.code or 0)
        close_store()
        return Answer(code, out.getvalue(), err.getvalue())


def check_schema(name: str, document: Any) -> None:
    error = jsonschema.exceptions.best_match(_schema(name).iter_errors(document))
    if error is not None:
        raise error


@functools.cache
def _schema(name: str) -> jsonschema.Draft202012Validator:
    """Judging a schema itself takes longer than most commands: once is enough."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def fill(space: Space, folder: Path) -> None:
    """Put a OneRoster CSV folder into the SIS of a space."""
    for file in folder.glob("*.csv"):
        if file.stem != "manifest":
            with file.open(encoding="utf-8-sig", newline="") as lines:
                space.rows[file.stem] = [{k: v for k, v in row.items() if v} for row in csv.DictReader(lines)]
