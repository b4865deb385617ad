"""OneRoster CSV keeps the promises of a source: over the sample sets, as folder and as zip."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.base import Source
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.testing import CountingContext, SourceContract

DATA = Path(__file__).parents[1] / "data"
NO_SERVER = "files have no server that could be slow, unreachable or ask for a key"


def ids_in(folder: Path) -> dict[str, list[str]]:
    found = {}
    for name in COLLECTIONS:
        path = folder / f"{name}.csv"
        if path.exists():
            with path.open(encoding="utf-8-sig", newline="") as file:
                found[name] = [row["sourcedId"] for row in csv.DictReader(file)]
    return found


class CsvContract(SourceContract):
    secrets = ("Okafor", "Mary Archer")
    lacks = {"throttle": NO_SERVER, "unreachable": NO_SERVER, "wrong_key": NO_SERVER}  # noqa: RUF012 - never changed
    sample = ""

    @pytest.fixture
    def path(self) -> Path:
        return DATA / self.sample

    @pytest.fixture
    def source(self, context: CountingContext, path: Path) -> Source:
        return OneRosterCsvSource(OneRosterCsvOptions(path=str(path)), context)

    @pytest.fixture
    def expected(self) -> Mapping[str, Iterable[str]]:
        return ids_in(DATA / self.sample)

    @pytest.fixture
    def broken(self, context: CountingContext, tmp_path: Path) -> Callable[[str], Source]:
        def make(fault: str) -> Source:
            folder = tmp_path / "broken"
            shutil.copytree(DATA / self.sample, folder)
            users = folder / "users.csv"
            if fault == "missing_page":
                users.unlink()
            else:
                assert fault == "half_read"
                users.write_bytes(users.read_bytes()[:-40])
            return OneRosterCsvSource(OneRosterCsvOptions(path=str(folder)), context)

        return make

    def encode_page(self, collection: str, records: Sequence[Any]) -> bytes:
        columns = list(COLLECTIONS[collection].columns)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(columns)
        for record in records:
            known = record if isinstance(record, dict) else {}
            writer.writerow([known.get(column) for column in columns])
        return text.getvalue().encode()


class TestVersion10(CsvContract):
    sample = "edfi-grandbend-v1p0"


class TestVersion11(CsvContract):
    sample = "edfi-grandbend-v1p1"


class TestVersion12(CsvContract):
    sample = "maple-valley"


class TestZip(CsvContract):
    sample = "maple-valley-1.1"

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        packed = tmp_path / "export.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted((DATA / self.sample).glob("*.csv")):
                archive.write(file, file.name)
        return packed
