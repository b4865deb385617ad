"""The tables of a first start are those that all migrations make, one after the other."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rollbook.store import fresh as fresh_tables
from rollbook.store import setup as store_setup
from rollbook.store.setup import setup
from tests.cli.kit import close_store


@contextmanager
def _made(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        folder = setup(path)
    finally:
        close_store()
    with closing(sqlite3.connect(folder.database)) as found:
        yield found


def _shape(database: sqlite3.Connection) -> dict[str, Any]:
    """Tables and indexes in words. In which order the columns of a table stand is no matter."""
    rows = database.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    return {name: sorted(_parts(sql)) if "CREATE TABLE" in sql else sql for name, sql in rows}


def _parts(sql: str) -> Iterator[str]:
    """Columns and rules of a table, without the name of the table that a column was renamed in."""
    inner = sql[sql.index("(") + 1 : sql.rindex(")")]
    depth, begin = 0, 0
    for place, letter in enumerate(inner + ","):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield re.sub(r"\s+", " ", inner[begin:place].strip())
            begin = place + 1


def _filled(database: sqlite3.Connection) -> dict[str, list[Any]]:
    """What the apps fill in themselves, and which migrations are noted."""
    asked = {
        "migrations": "SELECT app, name FROM django_migrations",
        "kinds": "SELECT app_label, model FROM django_content_type",
        "permissions": "SELECT codename, name FROM auth_permission",
    }
    return {name: sorted(database.execute(query).fetchall()) for name, query in asked.items()}


def test_a_first_start_makes_the_tables_that_all_migrations_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _made(tmp_path / "fresh") as fresh:
        at_once, filled = _shape(fresh), _filled(fresh)
    monkeypatch.setattr(fresh_tables, "make_fresh_tables", lambda: False)
    with _made(tmp_path / "step by step") as stepped:
        step_by_step = _shape(stepped)
        assert _filled(stepped) == filled
    assert at_once == step_by_step
    assert len(at_once) > 50


def test_tables_that_are_there_are_left_alone(tmp_path: Path) -> None:
    """Somebody else's tables in the file, or those of an earlier release: the migrations decide."""
    from rollbook.store.fresh import make_fresh_tables

    with _made(tmp_path / "data") as made:
        made.execute("DELETE FROM django_migrations WHERE app = 'store' AND name > '0002'")
        made.commit()
        before = _shape(made)
    try:
        store_setup.connect(tmp_path / "data")
        assert make_fresh_tables() is False
    finally:
        close_store()
    with closing(sqlite3.connect(tmp_path / "data" / "rollbook.sqlite3")) as after:
        assert _shape(after) == before
        assert after.execute("SELECT count(*) FROM django_migrations WHERE app = 'store'").fetchone() == (1,)
