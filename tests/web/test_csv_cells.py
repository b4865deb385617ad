"""No cell of a download is a formula, however a spreadsheet of some country cuts the file; and the cells come back."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from rollbook.web.csv import csv_answer
from rollbook.web.csv_in import read_csv

HOSTILE = [
    "=cmd()", " =cmd()", "＝cmd()", "@SUM(1)", "-1+1", "O'Brien;=cmd()", "a; =cmd()", 'a;"=cmd()"', "a;'=cmd()",
    "a\n=cmd()", "a\r\n@x", "a\t+1", "x;y;-2", "a; \"' =b",
]  # fmt: skip


def _file(cells: list[str]) -> bytes:
    answer = csv_answer("x.csv", ["one", "two", "three"], [["safe", cell, cell] for cell in cells])
    return b"".join(answer)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("cell", HOSTILE)
def test_nothing_reckons(delimiter: str, cell: str) -> None:
    text = _file([cell]).decode("utf-8-sig")
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        lines = io.StringIO(text, newline="") if quoting == csv.QUOTE_MINIMAL else text.splitlines()
        for row in csv.reader(lines, delimiter=delimiter, quoting=quoting):
            for found in row:
                assert not found.strip(' "').startswith(tuple("=+-@＝＋－＠")), found


def test_what_was_defused_is_read_back() -> None:
    cells = [cell.strip() for cell in [*HOSTILE, "plain; text", "it's", "'quoted'", "a;b"]]
    lines = read_csv(SimpleUploadedFile("x.csv", _file(cells)), ["one", "two", "three"])
    assert [line.get("two") for line in lines] == cells
    assert [line.get("three") for line in lines] == cells
