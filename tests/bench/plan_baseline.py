"""The bare baseline: both days' CSV, typed, into DuckDB tables, and a full join of all columns per file.

The least that has to be done to know what changed; no trimming, no checks, no mappings, no plan.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

from rollbook.core.duck import MEMORY_LIMIT, quote

FILES = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
_DATES = {"startDate", "endDate", "beginDate"}
_FLAGS = {"enabledUser", "primary"}
_LISTS = {"grades", "termSourcedIds", "subjects", "subjectCodes", "periods", "orgSourcedIds", "agentSourcedIds"}
_NUMBERS = {"schoolYear"}


def main(days: list[str], scratch: str) -> dict[str, Any]:
    path = Path(scratch)
    spill = str(path.with_suffix(".spill"))
    db = duckdb.connect(str(path), config={"memory_limit": MEMORY_LIMIT, "threads": 2, "temp_directory": spill})
    seconds: dict[str, float] = {}
    differences = 0
    try:
        for name in FILES:
            started = time.perf_counter()
            for number, day in enumerate(days):
                _load(db, Path(day) / f"{name}.csv", f"day{number}_{name}")
            loaded = time.perf_counter()
            differences += _differences(db, name)
            seconds[f"load {name}"] = round(loaded - started, 2)
            seconds[f"join {name}"] = round(time.perf_counter() - loaded, 2)
    finally:
        db.close()
        path.unlink()
    return {"differences": differences, "seconds": seconds}


def _load(db: duckdb.DuckDBPyConnection, path: Path, table: str) -> None:
    header = _header(path)
    types = ", ".join(f"{quote(column)}: {quote(_type(column))}" for column in header)
    chosen = ", ".join(
        f'string_split("{column}", \',\') AS "{column}"' if column in _LISTS else f'"{column}"' for column in header
    )
    db.execute(f"""
        CREATE TABLE {table} AS SELECT {chosen}
        FROM read_csv({quote(path)}, auto_detect=false, header=true, columns={{{types}}},
                      delim=',', quote='"', escape='"')""")


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def _type(column: str) -> str:
    if column in _DATES:
        return "DATE"
    if column in _FLAGS:
        return "BOOLEAN"
    return "INTEGER" if column in _NUMBERS else "TIMESTAMPTZ" if column == "dateLastModified" else "VARCHAR"


def _differences(db: duckdb.DuckDBPyConnection, name: str) -> int:
    columns = [row[0] for row in db.execute(f"DESCRIBE day0_{name}").fetchall()]
    differs = " OR ".join(f'a."{column}" IS DISTINCT FROM b."{column}"' for column in columns)
    row = db.execute(f"""
        SELECT count(*) FROM day0_{name} a FULL JOIN day1_{name} b ON a."sourcedId" = b."sourcedId"
        WHERE {differs}""").fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
