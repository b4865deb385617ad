"""`rollbook prep`: a Moodle full of accounts without ID numbers, sorted out in a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.cli.practice import check_words, quiet
from tests.cli.test_moodle import MoodleDistrict
from tests.cli.test_moodle_existing import lms, rollbook

__all__ = ["lms"]
pytestmark = pytest.mark.rule(10)


@pytest.fixture
def district(lms: Any, tmp_path: Path, days: list[Path]) -> MoodleDistrict:
    """Everybody has an account in Moodle, and Rollbook knows of none: there are no ID numbers. Two share an address
    with somebody else, and one has another first name there."""
    before, found = (rollbook(tmp_path / name, lms) for name in ("before", "now"))
    for each in (before, found):
        each.reads(days[0])
    before.rollbook("sync", "maple", "--kind", "users")
    run = lms.site.store.run
    people = [row["id"] for row in lms.site.store.all("SELECT id FROM users WHERE idnumber <> '' ORDER BY id")]
    run("UPDATE users SET idnumber = ''")
    run("UPDATE users SET firstname = 'Somebody' WHERE id = ?", people[0])
    (shared,) = lms.site.store.all("SELECT email FROM users WHERE id = ?", people[2])
    taken = "UPDATE users SET username = 'else-1', email = ?, email_key = ? WHERE id = ?"
    run(taken, shared["email"], shared["email"].casefold(), people[1])
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_accounts_are_linked_by_a_file(district: MoodleDistrict, tmp_path: Path) -> None:
    command, path = district.rollbook, tmp_path / "prep.csv"
    command("plan", "maple", "--live")
    answer = command("prep", "export", "maple", str(path), schema="prep-export")
    rows = rows_of(path)
    assert answer["rows"] == len(rows) > 40
    assert path.stat().st_mode & 0o077 == 0, "there are people in it"
    proposed = [row for row in rows if row["proposal"] == "link"]
    assert answer["proposed"] == len(proposed) == len(rows) - 3, "who is not alone in question, or has another name"
    for row in proposed:
        row["decision"] = "link"
    command("prep", "import", "maple", write(path, rows), schema="prep-import")
    again = command("prep", "import", "maple", str(path), schema="prep-import")
    assert (again["changed"], again["link"]) == (0, len(proposed))
    command("prep", "export", "maple", str(tmp_path / "later.csv"), schema="prep-export")
    assert [row["decision"] for row in rows_of(tmp_path / "later.csv")] == [row["decision"] for row in rows]
    for asked in (("plan", "maple", "--live"), ("sync", "maple")):
        command(*asked)
        again = command("prep", "import", "maple", str(path), schema="prep-import")
        assert again["changed"] == 0, "what is decided is decided, though a later look knows nothing of it"
    runs = command("runs", "maple", schema="runs")["runs"]
    counts = command("run", "show", runs[0]["run"])["kinds"]["user"]
    assert counts["rekey"] == len(proposed)
    run = command("runs", "maple", schema="runs")["runs"][0]["run"]
    assert "REKEY_PROPOSED" not in command.text("run", "findings", run).out, "a person has decided that already"
    assert counts["refused"] == 0
    linked = {row["lms_id"]: row["unique_id"] for row in proposed}
    numbers = {each["username"]: each["idnumber"] for each in district.state()["users"]}
    assert {numbers[row["lms_username"]] for row in proposed} == set(linked.values())
    assert quiet(district.sync()) or counts["create"], "what is open stays open"


def test_one_bad_line_and_nothing_is_saved(district: MoodleDistrict, tmp_path: Path) -> None:
    command, path = district.rollbook, tmp_path / "prep.csv"
    command("plan", "maple", "--live")
    command("prep", "export", "maple", str(path), schema="prep-export")
    rows = rows_of(path)
    for row in rows:
        row["decision"] = row["proposal"]
    good = [row for row in rows if row["decision"]]
    good[0]["decision"] = "merge"
    good[1]["unique_id"] = "nobody"
    good[2]["lms_id"] = good[3]["lms_id"]
    answer = command.text("prep", "import", "maple", write(path, rows))
    assert answer.code == 2
    check_words(answer)
    lines = [rows.index(row) + 2 for row in good[:3]]
    assert "3 rows are wrong in prep.csv, so nothing was saved" in answer.err
    assert f"line {lines[0]}: The decision must be link or leave." in answer.err
    assert f"line {lines[1]}: Nothing is to be decided about this person" in answer.err
    assert f"line {lines[2]}: This account is not one of those in question." in answer.err
    (tmp_path / "later.csv").unlink(missing_ok=True)
    command("prep", "export", "maple", str(tmp_path / "later.csv"), schema="prep-export")
    assert {row["decision"] for row in rows_of(tmp_path / "later.csv")} == {""}


def test_a_file_with_decisions_is_not_overwritten(district: MoodleDistrict, tmp_path: Path) -> None:
    command, path = district.rollbook, tmp_path / "prep.csv"
    answer = command.text("prep", "export", "maple", str(path))
    assert answer.code == 2
    assert "rollbook plan maple --live" in answer.err
    assert "rollbook plan maple --live" in command.text("prep", "done", "maple").err
    command("plan", "maple", "--live")
    command("prep", "export", "maple", str(path), "--show", "all", schema="prep-export")
    answer = command.text("prep", "export", "maple", str(path))
    assert "is there already" in answer.err
    check_words(answer)
    assert command.text("prep", "export", "maple", "-").out.startswith("\ufeffwhere,unique_id,")


def test_done_opens_the_pages(district: MoodleDistrict) -> None:
    assert district.rollbook("prep", "done", "maple", "--skip", schema="prep-done")["data_prep"] == "skipped"
    district.rollbook("plan", "maple", "--live")
    assert district.rollbook("prep", "done", "maple", schema="prep-done")["data_prep"] == "looked"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "lacks the column unique_id, lms_id, decision"),
        (b"unique_id,lms_id,decision\n1,2,\n", "No row of the file has a decision"),
        (b"", "lacks the column"),
    ],
)
def test_files_that_are_none(district: MoodleDistrict, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "prep.csv"
    path.write_bytes(content)
    district.rollbook("plan", "maple", "--live")
    answer = district.rollbook.text("prep", "import", "maple", str(path))
    assert said in answer.err
    check_words(answer)
    answer = district.rollbook.text("prep", "import", "maple", str(tmp_path / "none.csv"))
    assert "cannot be read" in answer.err
