"""Broken packages and files: a clear error or finding, nothing removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rollbook.practice import district as generator
from tests.cli.practice import District, check_words, district, quiet, synced

__all__ = ["district", "synced"]


def _messy(tmp_path: Path, mess: str, *, zip: bool = False) -> Path:
    """The second day of the same district, with this mess in it."""
    out = tmp_path / "mess"
    return generator.generate(out, students=40, seed=3, days=2, change=0.0, mess=[mess], zip=zip)[-1]


@pytest.mark.parametrize(
    ("mess", "words"),
    [
        ("truncated-zip", "broken, cut off"),
        ("zip-bomb", "200 to 1"),
        ("zip-path-escape", "leads out of its folder"),
    ],
)
def test_a_bad_zip_is_not_read_at_all(synced: District, tmp_path: Path, mess: str, words: str) -> None:
    before = synced.state()
    package = _messy(tmp_path, mess, zip=True)
    synced.reads(package)
    run = synced.sync(code=1)
    assert run["error"]["error"] == "BadResponse"
    assert words in run["error"]["message"]
    assert "ask whoever makes the export" in run["error"]["message"]
    error = synced.rollbook("check", str(package), schema="error", code=1)
    assert words in error["error"]["message"]
    check_words(synced.rollbook.text("check", str(package)))
    assert synced.state() == before


@pytest.mark.parametrize("content", [b"", b"<html>Please sign in</html>"])
def test_something_else_called_zip(synced: District, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "export.zip"
    file.write_bytes(content)
    synced.reads(file)
    assert "no zip file" in synced.sync(code=1)["error"]["message"]


@pytest.mark.rule(20, 25)
@pytest.mark.parametrize(
    ("mess", "code", "finding"),
    [
        ("empty-file", 3, "CSV_EMPTY_FILE"),
        ("header-only-file", 3, "CSV_EMPTY_FILE"),
        ("every-username-doubled", 0, "USER_USERNAME_DUPLICATE"),
        ("truncated-file", 3, "SOURCE_INCOMPLETE"),
        ("nul-bytes", 0, "CSV_NUL_BYTES"),
        ("wrong-manifest", 0, "CSV_MANIFEST_WRONG"),
        ("usernames-with-spaces", 0, "USER_USERNAME_SPACE"),
        ("broken-quotes", 3, "STAGE_BAD_LINE"),
        ("ragged-rows", 3, "STAGE_BAD_LINE"),
        ("doubled-sourcedids", 0, "USER_UNIQUE_ID_DUPLICATE"),
        ("swapped-dates", 0, "ENROLLMENT_DATES_SWAPPED"),
    ],
)
def test_bad_rows_are_findings_and_nothing_goes(
    synced: District, tmp_path: Path, mess: str, code: int, finding: str
) -> None:
    before = synced.state()
    synced.reads(_messy(tmp_path, mess))
    run = synced.sync(code=code)
    assert run["findings"][finding] >= 1
    assert run["state"] == ("held" if code == 3 else "done")
    assert synced.state() == before


@pytest.mark.parametrize("mess", ["us-dates", "mixed-case-enums", "no-manifest", "zip-with-folder"])
def test_odd_but_readable_means_the_same(synced: District, tmp_path: Path, mess: str) -> None:
    before = synced.state()
    synced.reads(_messy(tmp_path, mess, zip=mess.startswith("zip")))
    assert quiet(synced.sync())
    assert synced.state() == before


def _utf16(folder: Path) -> None:
    for file in folder.glob("*.csv"):
        file.write_text(file.read_text("utf-8"), "utf-16")


def _school_unreadable(folder: Path) -> None:
    orgs = folder / "orgs.csv"
    lines = orgs.read_text("utf-8").splitlines()
    lines[2] += ",too,many,cells"
    orgs.write_text("\n".join(lines) + "\n", "utf-8")


def _no_users(folder: Path) -> None:
    (folder / "users.csv").unlink()


def _html(folder: Path) -> None:
    (folder / "users.csv").write_text("<html><body>Please sign in</body></html>")


def _binary(folder: Path) -> None:
    (folder / "enrollments.csv").write_bytes(bytes(range(256)) * 20)


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("spoil", "finding", "code"),
    [
        (_utf16, "CSV_NOT_UTF8", 0),
        (_school_unreadable, "STAGE_BAD_LINE", 3),
        (_no_users, "CSV_MISSING_FILE", 3),
        (_html, "CSV_NO_HEADER", 3),
        (_binary, "SOURCE_INCOMPLETE", 3),
        (_emptied, "SOURCE_INCOMPLETE", 3),
    ],
)
def test_spoiled_files_take_nothing_away(
    synced: District, tmp_path: Path, days: list[Path], spoil: Callable[[Path], None], finding: str, code: int
) -> None:
    before = synced.state()
    folder = tmp_path / "spoiled"
    shutil.copytree(days[0], folder)
    spoil(folder)
    synced.reads(folder)
    run = synced.sync(code=code)
    assert run["findings"][finding] >= 1
    assert synced.state() == before


def test_an_unreadable_line_is_told_as_not_read_whole(synced: District, tmp_path: Path, days: list[Path]) -> None:
    """Until it can be read, nobody is taken for gone; once it can, the run goes on by itself."""
    folder = tmp_path / "spoiled"
    shutil.copytree(days[0], folder)
    _school_unreadable(folder)
    synced.reads(folder)
    run = synced.sync(code=3)
    assert run["verdicts"] == {"orgs": "1 line could not be read, the first is line 3 of orgs.csv"}
    assert run["holds"] == []
    assert "line 3 of orgs.csv), so nothing is taken for gone" in synced.rollbook.text("run", "show", run["run"]).out
    synced.reads(days[0])
    assert synced.sync()["verdicts"] == {}


def test_no_folder_and_no_leave_to_read(district: District, tmp_path: Path) -> None:
    district.reads(tmp_path / "nowhere")
    run = district.sync(code=2)
    assert run["error"]["who"] == "the admin"
    assert "there is nothing at the path" in run["error"]["message"]


def test_a_year_that_the_sis_does_not_have(synced: District, tmp_path: Path, days: list[Path]) -> None:
    before = synced.state()
    synced.reads(days[0])
    text = synced.settings.read_text().replace("active_year: 2027", "active_year: 2072")
    synced.settings.write_text(text)
    synced.rollbook("config", "import", str(synced.settings), schema="config-import")
    run = synced.sync(code=2)
    assert "active year 2072" in run["error"]["message"]
    assert "2027" in run["error"]["message"]
    assert synced.state() == before


def test_a_school_that_the_sis_does_not_have(synced: District, days: list[Path]) -> None:
    synced.reads(days[0])
    run = synced.rollbook("plan", "maple", "--school", "nope", code=2)
    assert "no school 'nope'" in run["error"]["message"]
    assert not os.path.exists(synced.rollbook.data / "work" / run["run"])
