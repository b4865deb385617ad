"""Files as bytes: what DuckDB can read is handed over as it is, the rest is mended in a copy, with a finding."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.connectors.base import ReadRequest
from rollbook.connectors.oneroster_csv import text
from rollbook.errors import RunCancelled
from tests.unit.csv_kit import LI, USERS, ZOE, Export, codes

LINES = f"{USERS}\n{ZOE}\n{LI}\n"


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path / "export")


def names(rows: list[dict[str, str | None]]) -> list[str | None]:
    return [row["givenName"] for row in rows]


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.encode("utf-8-sig"),
        LINES.replace("\n", "\r\n").encode(),
        LINES.replace("\n", "\r\n").encode("utf-8-sig"),
        LINES.rstrip("\n").encode(),
    ],
    ids=["plain", "bom", "crlf", "bom-crlf", "no-last-line-end"],
)
def test_what_duckdb_reads_is_handed_over_as_it_is(export: Export, content: bytes) -> None:
    path = export.write("users.csv", content)
    page = next(iter(export.source().read(ReadRequest(collection="users"))))
    assert page.path == path
    rows, verdict, findings = export.read()
    assert names(rows) == ["Zoë", "李, 小龍"]
    assert rows[0]["sourcedId"] == "u1", "the byte order mark is not part of the first name"
    assert verdict.complete
    assert verdict.count == (1 if content == LINES.rstrip("\n").encode() else 2)
    assert codes(findings) == set()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (LINES.encode("utf-16"), "CSV_NOT_UTF8"),
        (LINES.encode("utf-16-be"), "CSV_NOT_UTF8"),
        (LINES.encode("utf-16-le"), "CSV_NOT_UTF8"),
        (LINES.replace("Zoë", "Z\0oë").encode(), "CSV_NUL_BYTES"),
        (LINES.replace("\n", "\r\n", 2).encode(), "CSV_MIXED_LINE_ENDS"),
        (LINES.replace("\n", "\r", 1).encode(), "CSV_MIXED_LINE_ENDS"),
        (LINES.replace('"李, 小龍"', "\x01").replace(",", ";").replace("\x01", '"李, 小龍"').encode(), "CSV_DELIMITER"),
        (
            LINES.replace('"李, 小龍"', "\x01").replace(",", "\t").replace("\x01", '"李, 小龍"').encode(),
            "CSV_DELIMITER",
        ),
    ],
    ids=["utf-16", "utf-16-be", "utf-16-le", "nul", "mixed", "mixed-cr", "semicolon", "tab"],
)
def test_what_duckdb_cannot_read_is_mended_in_a_copy(export: Export, content: bytes, code: str) -> None:
    path = export.write("users.csv", content)
    rows, verdict, findings = export.read()
    assert names(rows) == ["Zoë", "李, 小龍"]
    assert verdict.complete, verdict.reason
    assert codes(findings) == {code}
    assert path.read_bytes() == content, "the export itself is never touched"


def test_latin_1_is_read_as_windows_1252(export: Export) -> None:
    export.write("users.csv", f"{USERS}\n{ZOE}\nu3,,,true,o1,student,x,Ma“rc€,É\n".encode("cp1252"))
    rows, verdict, findings = export.read()
    assert names(rows) == ["Zoë", "Ma“rc€"]
    assert verdict.complete
    assert codes(findings) == {"CSV_NOT_UTF8"}


def test_one_wrong_byte_does_not_spoil_the_other_names(export: Export) -> None:
    export.write("users.csv", f"{USERS}\n{ZOE}\n{LI}\n".encode() + b"u3,,,true,o1,student,x,Ren\xe9,B\n")
    rows, _, findings = export.read()
    assert names(rows) == ["Zoë", "李, 小龍", "René"]
    assert codes(findings) == {"CSV_NOT_UTF8"}


def test_a_wrong_byte_far_inside_is_found(export: Export) -> None:
    filler = b"u,,,true,o1,student,x,A,B\n" * 60_000  # 1.6 MB: several chunks
    export.write("users.csv", USERS.encode() + b"\n" + filler + b"v,,,true,o1,student,x,Ren\xe9,B\n" + filler)
    rows, _, findings = export.read()
    assert len(rows) == 120_001
    assert rows[60_000]["givenName"] == "René"
    assert codes(findings) == {"CSV_NOT_UTF8"}


def test_signs_that_two_chunks_share_are_whole(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in range(1, 12):
        monkeypatch.setattr(text, "CHUNK", size)
        export.write("users.csv", LINES.encode())
        assert export.read()[2] == []
        export.write("users.csv", LINES.replace("\n", "\r\n", 2).replace("Zoë", "Zo\0ë").encode())
        path = export.folder.parent / "copy.csv"
        how = text.Rewrite("utf-8", ",", 0, ("a", "b"))
        text.rewrite(export.folder / "users.csv", path, how, lambda: None)
        assert path.read_text() == f"a,b\n{ZOE}\n{LI}\n"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=200), st.integers(1, 7))
def test_a_clean_copy_keeps_every_sign(tmp_path_factory: pytest.TempPathFactory, words: str, size: int) -> None:
    folder = tmp_path_factory.mktemp("copy")
    (folder / "a.csv").write_bytes(b"\xef\xbb\xbfhead\n" + words.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "CHUNK", size)
        text.rewrite(folder / "a.csv", folder / "b.csv", text.Rewrite("utf-8", ",", 0, ("new",)), lambda: None)
    assert (folder / "b.csv").read_bytes() == b"new\n" + words.encode()


@pytest.mark.parametrize("before", ["\n\n", "sep=,\n", "\r\n\n"])
def test_lines_before_the_header_are_left_out(export: Export, before: str) -> None:
    export.write("users.csv", before + LINES)
    rows, verdict, _ = export.read()
    assert names(rows) == ["Zoë", "李, 小龍"]
    assert verdict.complete


def test_strict_leaves_a_file_unread_that_must_be_mended(export: Export) -> None:
    export.write("users.csv", LINES.encode("latin-1", "replace"))
    rows, verdict, findings = export.read(strict=True)
    assert rows == []
    assert not verdict.complete
    assert "strict" in verdict.reason
    assert codes(findings) == {"CSV_NOT_UTF8"}


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", USERS.encode(), f"{USERS}\n\n".encode()])
def test_an_empty_file_is_complete_and_said_to_be_empty(export: Export, content: bytes) -> None:
    export.write("users.csv", content)
    rows, verdict, findings = export.read()
    assert rows == []
    assert verdict.complete
    assert verdict.count == 0
    assert codes(findings) == {"CSV_EMPTY_FILE"}


def test_a_file_that_breaks_off_in_a_row_is_incomplete(export: Export) -> None:
    export.write("users.csv", LINES + "u3,,,true,o1,stu")
    verdict = export.source().read(ReadRequest(collection="users"))
    list(verdict)
    assert not verdict.verdict.complete
    assert codes(list(verdict.findings)) == {"CSV_CUT_OFF"}


def test_a_file_without_header_is_not_read_and_its_data_not_told(export: Export) -> None:
    export.write("users.csv", f"{ZOE}\n{LI}\n")
    rows, verdict, findings = export.read()
    assert rows == []
    assert not verdict.complete
    assert codes(findings) == {"CSV_NO_HEADER"}
    assert "Zoë" not in repr(findings)


def test_a_large_file_is_never_held_in_memory(export: Export) -> None:
    path = export.write("users.csv", b"")
    with path.open("wb") as file:
        file.write(USERS.encode() + b"\n")
        for _ in range(24):
            file.write(b"u1,,,true,o1,student,zoe,Zoe,Angstrom\n" * 30_000)
    tracemalloc.start()
    pages = list(export.source().read(ReadRequest(collection="users")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 25e6
    assert peak < 8e6
    assert abs((pages[0].count or 0) - 720_000) < 10_000, "an estimate"


def test_looking_at_a_file_can_be_cancelled(export: Export) -> None:
    def cancelled() -> None:
        raise RunCancelled("stopped")

    with pytest.raises(RunCancelled):
        text.look(export.write("users.csv", LINES), cancelled)
