"""Looks for cells that a spreadsheet would run, in files that somebody brought. Judges nothing else."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20
#: A line is looked at whole up to this length.
_OVERLAP: Final = 64 * 1024
#: A formula begins with =, or with + - @ and calls a function or a program, as +SUM(1) and -2+cmd|'/C calc'!A1 do.
#: Telephone numbers, negative numbers and @names pass.
_FORMULA: Final = r"""[ ]*(?:=[^\s=]|[+\-@][^,;\t\r\n"]{0,200}?(?:[A-Za-z]\(|\|[^,;\t\r\n"]{0,200}!))"""
_CELL: Final = re.compile(_FORMULA)
#: Where such a cell may be, found fast; then its line is read as CSV.
_MAYBE: Final = re.compile(rb"(?:^|[,;\t\r\n])\"?" + _FORMULA.encode(), re.MULTILINE)


def is_formula(cell: str) -> bool:
    """Would a spreadsheet run this cell?"""
    return _CELL.match(cell) is not None


def find_formulas(path: Path) -> int | None:
    """The line of the first such cell; None when there is none."""
    line, rest, delimiter = 1, b"", ""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            text = rest + piece.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            delimiter = delimiter or _delimiter(text)
            for found in _MAYBE.finditer(text):
                start = text.rfind(b"\n", 0, found.end() - 1) + 1
                end = text.find(b"\n", start)
                if _has_formula(text[start : end if end >= 0 else len(text)], delimiter):
                    return line + text.count(b"\n", 0, start)
            cut = max(len(text) - _OVERLAP, 0)
            cut = text.rfind(b"\n", 0, cut) + 1 if cut else 0
            line, rest = line + text.count(b"\n", 0, cut), text[cut:]
    return None


def _delimiter(text: bytes) -> str:
    first = text.partition(b"\n")[0]
    return max(",;\t", key=lambda one: first.count(one.encode()))


def _has_formula(line: bytes, delimiter: str) -> bool:
    try:
        cells = next(csv.reader([line.decode("utf-8", "replace")], delimiter=delimiter), [])
    except csv.Error:
        return True  # it cannot be told what it is
    return any(map(is_formula, cells))
