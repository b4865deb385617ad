"""A Moodle that was there before Rollbook: what is in it is linked, and nothing is sent that it cannot store."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollbook.practice.moodle import create_moodle
from rollbook.practice.server import serve
from tests.cli.kit import Command, place_tables
from tests.cli.practice import quiet
from tests.cli.test_moodle import MoodleDistrict

pytestmark = pytest.mark.rule(10)


@pytest.fixture
def lms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A practice Moodle, with its site as `.site`."""
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    app = create_moodle()
    with serve(app) as running:
        running.site = app.state.moodle  # type: ignore[attr-defined]
        yield running


def rollbook(folder: Path, lms: Any) -> MoodleDistrict:
    """A Rollbook that knows nothing yet."""
    place_tables(folder / "data")
    return MoodleDistrict(Command(folder / "data"), folder, lms.url)


@pytest.mark.parametrize("courses", ["ignore", "category"])
def test_what_is_as_wanted_is_linked_without_updates(lms: Any, tmp_path: Path, days: list[Path], courses: str) -> None:
    (first, second) = (rollbook(tmp_path / name, lms) for name in ("first", "second"))
    for each in (first, second):
        each.courses = courses
        each.reads(days[0])
    first.sync()
    before = first.state()
    run = second.sync()
    unseen = _with_middle_name(days[0])  # Moodle takes it, and shows it to nobody
    for kind, updates in (("user", unseen), ("section", 0)):
        counts = run["kinds"][kind]
        assert counts["adopt"] > updates, kind
        assert (counts["update"], counts["create"], counts["held"]) == (updates, 0, 0), kind
    assert second.state() == before
    assert quiet(second.sync())


def _with_middle_name(day: Path) -> int:
    with (day / "users.csv").open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for row in csv.DictReader(file) if row["middleName"] and row["role"] in ("student", "teacher"))
