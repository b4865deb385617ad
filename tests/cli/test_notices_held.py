"""Runs that end held although nothing waits for approval: what was not read whole, or shrank, in words of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.memory.source import MemoryReading
from rollbook.practice import district
from tests.cli.told import Told, told

__all__ = ["told"]


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """By collection, how many records more the SIS counts than it lists."""
    more: dict[str, int] = {}
    total = MemoryReading._total
    monkeypatch.setattr(
        MemoryReading, "_total", lambda reading: total(reading) + more.get(reading._request.collection, 0)
    )
    return more


def _thin_out(told: Told) -> None:
    """The SIS shows less than half of the courses and whatever hangs on them."""
    kept = {row["sourcedId"] for row in told.space.rows["courses"][:2]}
    told.space.rows["courses"] = [row for row in told.space.rows["courses"] if row["sourcedId"] in kept]


def test_what_was_not_read_whole_is_a_held_notice_of_its_own(told: Told, missing: dict[str, int]) -> None:
    told.tell(on="[held]")
    told.sync()
    missing["enrollments"] = 7
    run = told.sync(code=3)
    assert run["holds"] == []
    rows = len(told.space.rows["enrollments"])
    told.deliver()
    [text] = told.box.texts()
    [(_, mail)] = told.box.mails
    assert mail["Subject"] == "[Rollbook] Maple Valley: the SIS was not read whole"
    for words in (
        f"Not read whole: enrollments. The reason: {rows} of {rows + 7} records were read.",
        "Nothing was removed because of that.",
        "There is nothing to approve.",
        "The next run that reads everything goes on by itself.",
        "the key is valid and may read every school",
        f"rollbook run findings {run['run']}",
    ):
        assert words in text
    assert "hold approve" not in text
    assert "with errors" not in text
    [body] = told.hook.bodies()
    assert (body["state"], body["events"]) == ("held", ["held"])


def test_what_shrank_is_a_held_notice_of_its_own(told: Told) -> None:
    told.tell(on="[held]")
    told.sync()
    before = len(told.space.rows["courses"])
    _thin_out(told)
    run = told.sync(code=3)
    assert run["doubts"]["courses"]
    told.deliver()
    [text] = told.box.texts()
    assert f"The SIS shows 2 courses where {before} were." in text
    assert "THE SIS SHOWS FAR LESS THAN BEFORE" in text
    assert "believed after seven days" in text


def test_an_lms_that_shows_little_names_the_lms(told: Told) -> None:
    told.tell(on="[held]")
    told.sync()
    for user in told.space.all("user"):
        told.space.delete("user", user)
    run = dict(told.rollbook("sync", "maple", "--live", code=3))
    assert run["doubts"]["user"]
    told.deliver()
    [text] = told.box.texts()
    assert "THE LMS SHOWS FAR LESS THAN BEFORE" in text
    assert "the admin of the LMS" in text
    assert "of the SIS" not in text


def test_it_is_told_once_a_week_and_its_end_at_once(told: Told, missing: dict[str, int]) -> None:
    told.sync()
    missing["enrollments"] = 7
    told.sync(code=3)
    told.sync(code=3)
    missing.clear()
    told.sync()
    told.deliver()
    first, second = told.hook.bodies()
    assert (first["events"], second["events"]) == (["held"], ["recovered"])
    assert "the one before it was held" in second["words"][0]


def test_of_an_export_the_export_is_named(told: Told, tmp_path: Path) -> None:
    folder = district.generate(tmp_path / "csv", students=20, seed=5)[0]
    source = f"sis: {{connector: oneroster_csv, options: {{path: {folder}}}}}"
    lines = [source if line.startswith("sis:") else line for line in told.file.read_text().splitlines()]
    told.file.write_text("\n".join(lines))
    told.rollbook("config", "import", str(told.file), schema="config-import")
    told.sync()
    (folder / "enrollments.csv").unlink()
    run = told.sync(code=3)
    told.deliver()
    mail = next(text for text in told.box.texts() if run["run"] in text)
    assert "whoever makes the export of the SIS" in mail
    assert "enrollments.csv" in mail
