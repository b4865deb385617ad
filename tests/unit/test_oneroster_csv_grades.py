"""Grades as files: what stands in them, what is never touched, and what a cell may hold."""

from __future__ import annotations

import csv
import io
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from rollbook.connectors.base import Batch
from rollbook.connectors.oneroster_csv.formulas import find_formulas
from rollbook.connectors.oneroster_csv.grades import OneRosterCsvGrades
from rollbook.connectors.oneroster_csv.grades_tables import bare, clean
from rollbook.connectors.oneroster_csv.manifest import parse_manifest
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.errors import BadResponse, ConfigError, RollbookError
from rollbook.roster.changes import DONE, REFUSED, Change
from rollbook.roster.grades import EXEMPT, SisCategory
from rollbook.roster.lms import CREATE, REMOVE
from rollbook.testing import make_context
from rollbook.testing.grade_samples import Room, grade_change, line_item, result
from rollbook.testing.odd import texts

DATA = Path(__file__).parents[1] / "data"
ROOM = Room(
    id="cls-algebra-high", school="mv-high", category="cat-tests", session="gp-1", students=("stu-amara", "stu-bjorn"),
    stranger="tea-osei",
)  # fmt: skip
ZIPS = pytest.mark.parametrize("name", ["grades", "grades.zip"])


def connect(
    tmp_path: Path, name: str = "grades", folder: Path = DATA / "maple-valley", **more: Any
) -> OneRosterCsvGrades:
    options = OneRosterCsvOptions(path=str(folder), grades_path=str(tmp_path / name), **more)
    return OneRosterCsvGrades(options, make_context(tmp_path / "work"))


def send(sink: OneRosterCsvGrades, *changes: Change, action: str = CREATE) -> list[str]:
    changed = [msgspec.structs.replace(each, action=action) for each in changes]
    return [each.status for each in sink.apply(Batch(kind=changes[0].kind, action=action, changes=changed))]


def texts_of(place: Path) -> dict[str, str]:
    """The files of a package."""
    if place.suffix == ".zip":
        with zipfile.ZipFile(place) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}
    return {path.name: path.read_bytes().decode() for path in place.iterdir()}


def rows(place: Path, name: str) -> dict[str, dict[str, str]]:
    return {row["sourcedId"]: row for row in csv.DictReader(io.StringIO(texts_of(place)[name], newline=""))}


@ZIPS
def test_a_package_of_changes_with_a_manifest_of_ours(tmp_path: Path, name: str) -> None:
    sink, place = connect(tmp_path, name, time_zone="America/New_York"), tmp_path / name
    assert send(sink, line_item(ROOM)) == [DONE]
    assert send(sink, result(ROOM, "li-suite", "stu-amara"), result(ROOM, "li-suite", "stu-bjorn")) == [DONE, DONE]
    found = texts_of(place)
    assert set(found) == {"manifest.csv", "lineItems.csv", "results.csv"}
    manifest = parse_manifest(found["manifest.csv"])
    assert (manifest.version, manifest.system) == ("1.2", "Rollbook")
    assert {name for name, mode in manifest.modes.items() if mode != "absent"} == {"lineitems", "results"}
    assert {manifest.modes["lineitems"], manifest.modes["results"]} == {"delta"}
    assert len(manifest.modes) == 21
    assert found["lineItems.csv"].count("\r\n") == found["lineItems.csv"].count("\n") == 2
    item = rows(place, "lineItems.csv")["li-suite"]
    assert (item["status"], item["assignDate"], item["dueDate"]) == ("active", "2026-09-14", "2026-09-21")
    assert item["dateLastModified"].endswith("Z")
    assert (item["resultValueMin"], item["resultValueMax"], item["academicSessionSourcedId"]) == ("0", "20", "gp-1")
    grade = rows(place, "results.csv")["re-li-suite-stu-amara"]
    assert (grade["score"], grade["scoreDate"], grade["late"], grade["inProgress"]) == (
        "17.5",
        "2026-09-23",
        "false",
        "",
    )


@pytest.mark.parametrize(("folder", "count"), [("maple-valley", 15), ("maple-valley-1.1", 9)])
def test_headers_are_those_of_the_version(tmp_path: Path, folder: str, count: int) -> None:
    """As in the sample sets, column for column."""
    sink = connect(tmp_path, folder=DATA / folder)
    send(sink, line_item(ROOM))
    send(sink, result(ROOM, "li-suite", "stu-amara"))
    send(sink, grade_change("category", "cat-new", {"title": "Labs"}))
    for name in ("lineItems.csv", "results.csv", "categories.csv"):
        head = texts_of(tmp_path / "grades")[name].splitlines()[0]
        assert head == (DATA / folder / name).read_text(encoding="utf-8").splitlines()[0]
    assert len(texts_of(tmp_path / "grades")["results.csv"].splitlines()[0].split(",")) == count


@ZIPS
def test_what_goes_is_said_and_what_stays_keeps_its_time(tmp_path: Path, name: str) -> None:
    sink, place = connect(tmp_path, name), tmp_path / name
    first, second = line_item(ROOM, "li-1"), line_item(ROOM, "li-2")
    send(sink, first, second)
    before = rows(place, "lineItems.csv")
    assert send(sink, first, action=REMOVE) == [DONE]
    after = rows(place, "lineItems.csv")
    assert (after["li-1"]["status"], after["li-1"]["title"]) == ("tobedeleted", "Suite li-1")
    assert after["li-2"] == before["li-2"]
    assert [each.lms_id for each in sink.read("line_item", ROOM.id)] == ["li-2"]
    send(sink, first, second)
    again = rows(place, "lineItems.csv")
    assert again["li-1"]["status"] == "active"
    assert again["li-2"] == before["li-2"]
    assert send(sink, line_item(ROOM, "li-3"), action=REMOVE) == [DONE]
    assert rows(place, "lineItems.csv")["li-3"]["status"] == "tobedeleted", "an earlier package may have brought it"


@ZIPS
def test_what_somebody_else_wrote_is_never_touched(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("lineItems.csv", "sourcedId\r\n")
    else:
        shutil.copytree(DATA / "maple-valley", place)
    before = place.read_bytes() if place.is_file() else texts_of(place)
    sink = connect(tmp_path, name)
    for ask in (sink.test, lambda: send(sink, line_item(ROOM))):
        with pytest.raises(ConfigError, match="did not write"):
            ask()
    assert (place.read_bytes() if place.is_file() else texts_of(place)) == before


@pytest.mark.parametrize(
    ("name", "words"),
    [("none/grades", "is not there"), ("file", "has to be a folder"), ("folder.zip", "has to be a folder")],
)
def test_a_place_that_cannot_be(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "folder.zip").mkdir()
    with pytest.raises(ConfigError, match=words):
        connect(tmp_path, name).test()


def test_a_place_has_to_be_given(tmp_path: Path) -> None:
    sink = OneRosterCsvGrades(OneRosterCsvOptions(path=str(DATA / "maple-valley")), make_context(tmp_path))
    with pytest.raises(ConfigError, match="grades_path"):
        sink.test()
    with pytest.raises(ConfigError, match="time zone"):
        connect(tmp_path, time_zone="Mars/Olympus")


def test_a_damaged_package_is_said_and_left_as_it_is(tmp_path: Path) -> None:
    sink = connect(tmp_path, "grades.zip")
    send(sink, line_item(ROOM))
    broken = (tmp_path / "grades.zip").read_bytes()[:-30]
    (tmp_path / "grades.zip").write_bytes(broken)
    with pytest.raises(BadResponse, match="damaged"):
        send(sink, line_item(ROOM, "li-2"))
    assert (tmp_path / "grades.zip").read_bytes() == broken
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grades.zip"]


def test_nothing_is_lost_when_writing_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = connect(tmp_path)
    send(sink, line_item(ROOM))
    before = texts_of(tmp_path / "grades")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RollbookError, match="no room left"):
        send(sink, line_item(ROOM, "li-2"))
    assert texts_of(tmp_path / "grades") == before


def test_each_class_may_have_a_package_of_its_own(tmp_path: Path) -> None:
    sink = connect(tmp_path, "grades-{class}.zip")
    assert not sink.limits.makes_categories
    odd = Room(id="../x/..", school="s", category="c", session="g", students=("a", "b"), stranger="c")
    assert send(sink, line_item(ROOM), line_item(odd, "li-2")) == [DONE, DONE]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["grades-%2E%2E%2Fx%2F%2E%2E.zip", "grades-cls-algebra-high.zip"]
    assert [each.lms_id for each in sink.read("line_item", odd.id)] == ["li-2"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (line_item(ROOM, due_date=None), "dueDate"),
        (line_item(ROOM, title=" \n "), "title"),
        (line_item(ROOM, grading_period=None, academic_session=None), "academicSessionSourcedId"),
        (result(ROOM, "li", "stu-amara", date="soon"), "scoreDate"),
        (line_item(ROOM, "li 1\n"), "sourcedId"),
        (line_item(ROOM, "x" * 300), "sourcedId"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(tmp_path: Path, change: Change, words: str) -> None:
    sink = connect(tmp_path)
    outcomes = sink.apply(Batch(kind=change.kind, action=CREATE, changes=[change]))
    assert outcomes[0].status == REFUSED
    assert words in outcomes[0].message
    assert not (tmp_path / "grades").exists()


def test_no_score_stays_blank(tmp_path: Path) -> None:
    sink = connect(tmp_path, folder=DATA / "maple-valley-1.1")
    send(sink, line_item(ROOM))
    send(
        sink, result(ROOM, "li-suite", "stu-amara", status=EXEMPT, score=None), result(ROOM, "li-suite", "b", score=0.0)
    )
    found = rows(tmp_path / "grades", "results.csv")
    assert [found[f"re-li-suite-{own}"]["score"] for own in ("stu-amara", "b")] == ["", "0"]


def test_categories_of_the_export_and_those_that_were_sent(tmp_path: Path) -> None:
    sink = connect(tmp_path)
    assert sink.limits.makes_categories
    assert {each.id for each in sink.categories(ROOM.id)} == {"cat-homework", "cat-tests"}
    new = grade_change("category", "cat-new", {"title": "Labs"})
    assert send(sink, new) == [DONE]
    assert SisCategory(id="cat-new", title="Labs") in sink.categories(ROOM.id)
    assert send(sink, new, action=REMOVE) == [DONE]
    assert {each.id for each in sink.categories(ROOM.id)} == {"cat-homework", "cat-tests"}


def test_files_that_are_not_whole_say_nothing_of_a_class(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(DATA / "maple-valley", folder)
    (folder / "enrollments.csv").unlink()
    with pytest.raises(BadResponse, match="nothing is concluded"):
        connect(tmp_path, folder=folder).class_facts(ROOM.id)


def test_dates_in_another_form_send_nobody_away(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(DATA / "maple-valley", folder)
    path = folder / "enrollments.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    ends = {"enr-algebra-high-amara": "1/05/2023", "enr-algebra-high-bjorn": "2020-01-05"}
    lines = [f"{line.removesuffix(',')},{ends.get(line.split(',')[0], '')}" for line in lines[1:]]
    head = (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"
    )
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    students = connect(tmp_path, folder=folder).class_facts(ROOM.id).students
    assert students is not None
    assert "stu-amara" in students
    assert "stu-bjorn" not in students, "who left early is none any more"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("Two\r\nlines\n\n of\ttext ", "Two lines of text"),
        ("a\0b\u2028c", "a b c"),
        ("=1+1", "'=1+1"),
        ("+SUM(1)", "'+SUM(1)"),
        ("-2", "-2"),
        ("@home", "@home"),
        (" = spaced", "= spaced"),
        ("\ud800", "?"),
        (None, ""),
    ],
)
def test_cells(cell: str | None, written: str) -> None:
    assert clean(cell) == written


@given(texts)
def test_no_cell_has_a_line_end_or_is_a_formula(text: str) -> None:
    cell = clean(text)
    assert len(cell.splitlines()) <= 1
    assert clean(bare(cell)) == cell


def test_a_spreadsheet_runs_nothing_of_it(tmp_path: Path) -> None:
    sink = connect(tmp_path)
    send(sink, line_item(ROOM, title='=HYPERLINK("x")', description="-2+cmd|'/C calc'!A1"))
    send(sink, result(ROOM, "li-suite", "stu-amara", comment="@SUM(1)"))
    for name in ("lineItems.csv", "results.csv"):
        assert find_formulas(tmp_path / "grades" / name) is None
    assert next(sink.read("line_item", ROOM.id)).fields["title"] == '=HYPERLINK("x")'
