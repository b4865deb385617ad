"""A hostile SIS is read, staged and checked without a crash, and everything wrong with it is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from rollbook.connectors.memory.options import MemoryOptions
from rollbook.connectors.memory.source import MemorySource
from rollbook.connectors.memory.space import Space, forget, space
from rollbook.core.duck import Connection
from rollbook.core.protocols import Progress
from rollbook.pipeline.check import check
from rollbook.pipeline.extract import extract
from rollbook.pipeline.stage import stage
from rollbook.pipeline.tables import Extracted, create_shared_tables
from rollbook.roster.findings import BLOCKS, FINDINGS
from rollbook.roster.settings import FieldMap
from rollbook.testing import hostile, make_context
from tests.scratch import in_memory

Read = tuple[Extracted, Connection]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Space]:
    name = f"hostile-{tmp_path}"
    made = space(name)
    made.rows = hostile.rows()
    yield made
    forget(name)


def read(own: Space, tmp_path: Path, page_size: int = 4) -> Read:
    source = MemorySource(MemoryOptions(space=own.name, page_size=page_size), make_context(tmp_path))
    db = in_memory()
    create_shared_tables(db)
    extracted = extract(source, tmp_path / "pages", Progress())
    stage(db, source, extracted, tmp_path / "staged", Progress())
    check(db, FieldMap(), date(2026, 10, 1), Progress())
    return extracted, db


def test_everything_wrong_is_found(own: Space, tmp_path: Path) -> None:
    extracted, db = read(own, tmp_path)
    found = set(db.execute("SELECT code, collection, id FROM found").fetchall())
    assert hostile.FINDINGS - found == set()
    assert extracted.incomplete() == []


def test_what_is_sound_is_not_held_back(own: Space, tmp_path: Path) -> None:
    _, db = read(own, tmp_path)
    found = db.execute("SELECT code, collection, id FROM found WHERE id IS NOT NULL").fetchall()
    blocked = {(collection, key) for code, collection, key in found if FINDINGS[code].severity == BLOCKS}
    sound = {(collection, key) for collection, keys in hostile.SOUND.items() for key in keys}
    assert blocked & sound == set()
    for name, keys in hostile.SOUND.items():
        there = {key for (key,) in db.execute(f'SELECT "sourcedId" FROM {name}').fetchall()}
        assert set(keys) <= there


def test_the_findings_do_not_depend_on_order_or_paging(own: Space, tmp_path: Path) -> None:
    query = "SELECT DISTINCT code, collection, id FROM found WHERE id IS NOT NULL"
    first = set(read(own, tmp_path / "a")[1].execute(query).fetchall())
    own.rows = {name: list(reversed(records)) for name, records in own.rows.items()}
    assert set(read(own, tmp_path / "b", page_size=1000)[1].execute(query).fetchall()) == first


def test_a_missing_page_makes_the_collection_incomplete(own: Space, tmp_path: Path) -> None:
    own.faults.break_read_at["users"] = 2
    extracted, db = read(own, tmp_path)
    assert extracted.incomplete() == ["users"]
    assert db.execute("SELECT collection FROM found WHERE code = 'SOURCE_INCOMPLETE'").fetchall() == [("users",)]


def test_the_expectations_speak_of_findings_and_records_that_exist() -> None:
    rows = hostile.rows()
    ids = {(name, row.get("sourcedId")) for name, records in rows.items() for row in records if isinstance(row, dict)}
    assert {code for code, _, _ in hostile.FINDINGS} <= set(FINDINGS)
    assert {(name, key) for _, name, key in hostile.FINDINGS} <= ids
    assert {(name, key) for name, keys in hostile.SOUND.items() for key in keys} <= ids
