"""Small scratch databases are guests of one engine: they see nothing of each other, and nothing of them stays."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from rollbook.core.duck import count, parquet_reader, small_scratch, write_parquet


def attached() -> set[str]:
    with parquet_reader() as db:
        return {row[0] for row in db.execute("SELECT database_name FROM duckdb_databases()").fetchall()}


def test_two_at_once_see_nothing_of_each_other(tmp_path: Path) -> None:
    with small_scratch() as one, small_scratch() as other:
        one.execute("CREATE TABLE change AS SELECT 1 AS seq")
        one.execute("CREATE VIEW seen AS FROM change")
        other.execute("CREATE TABLE change AS SELECT unnest(range(3)) AS seq")
        with pytest.raises(duckdb.CatalogException):
            other.execute("FROM seen")
        assert (count(one, "seen"), count(other, "change")) == (1, 3)
        assert write_parquet(other, "FROM change", tmp_path / "plan.parquet") == 3
    with parquet_reader() as db, pytest.raises(duckdb.CatalogException):
        db.execute("FROM change")


def test_nothing_of_one_stays_also_after_trouble() -> None:
    before = attached()
    with pytest.raises(duckdb.ParserException), small_scratch() as db:
        db.execute("CREATE TABLE change AS SELECT 1 AS seq; SELEC")
    with small_scratch() as db:
        db.execute("BEGIN; CREATE TABLE change AS SELECT 1 AS seq")
    assert attached() == before
