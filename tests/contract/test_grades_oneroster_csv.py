"""Grades as OneRoster CSV keep every promise of a grade sink that can be kept without an answer."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rollbook.connectors.gradebook import GradeSink
from rollbook.connectors.oneroster_csv.grades import OneRosterCsvGrades
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.roster.changes import LiveRecord
from rollbook.testing import CountingContext
from rollbook.testing.grade_samples import Room
from rollbook.testing.grade_sink_contract import GradeSinkContract
from tests.contract.test_grades_oneroster_rest import DATA, ROOM

FILES = {"line_item": "lineItems.csv", "result": "results.csv"}
NO_SERVER = "files have no server that could refuse, be slow, break off or ask for a key"
FAULTS = ("refused", "lose_before", "lose_after", "throttle", "cut", "wrong_key", "html", "half_read", "own_ids")


class CsvGradesContract(GradeSinkContract):
    lacks = dict.fromkeys(FAULTS, NO_SERVER)
    secrets = ("Okafor",)
    folder = "maple-valley"
    name = "grades"

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / self.name

    @pytest.fixture
    def sink(self, context: CountingContext, place: Path) -> GradeSink:
        return OneRosterCsvGrades(OneRosterCsvOptions(path=str(DATA / self.folder), grades_path=str(place)), context)

    @pytest.fixture
    def room(self) -> Room:
        return ROOM

    @pytest.fixture
    def peek(self, place: Path) -> Callable[[str], Sequence[LiveRecord]]:
        def look(kind: str) -> list[LiveRecord]:
            text = read(Path(str(place).replace("{class}", ROOM.id)), FILES[kind])
            rows = [row for row in csv.DictReader(io.StringIO(text, newline="")) if row["status"] == "active"]
            return [LiveRecord(kind=kind, lms_id=row["sourcedId"], code=None, fields=dict(row)) for row in rows]

        return look


def read(place: Path, name: str) -> str:
    """A file of the package, "" where there is none."""
    if place.suffix == ".zip" and place.exists():
        with zipfile.ZipFile(place) as archive:
            return archive.read(name).decode() if name in archive.namelist() else ""
    path = place / name
    return path.read_bytes().decode() if path.exists() else ""


class TestFolder12(CsvGradesContract):
    pass


class TestZip12(CsvGradesContract):
    name = "grades.zip"


class TestFolder11(CsvGradesContract):
    folder = "maple-valley-1.1"


class TestZipOfEachClass11(CsvGradesContract):
    folder = "maple-valley-1.1"
    name = "grades-{class}.zip"
