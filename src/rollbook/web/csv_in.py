"""CSV files that people bring: what spreadsheets make of ours, read without guessing too much. Keeps nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from rollbook.errors import ConfigError

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_ROWS: Final = 20_000
_WITHIN: Final = re.compile(r"([;\t\r\n][ \"']*)'(?=[=+\-@＝＋－＠])")
_DELIMITERS: Final = (",", ";", "\t")


@dataclass(frozen=True)
class Line:
    """One row: the number of its line in the file, and its cells by column name, as they stand there."""

    number: int
    cells: dict[str, str] = field(repr=False)

    def get(self, name: str) -> str:
        """A cell without spaces around it; empty when it is not there."""
        return _plain(self.cells.get(name, "").strip())


def read_csv(upload: UploadedFile[Any] | None, columns: Sequence[str], *, most: int = MOST_ROWS) -> list[Line]:
    """The rows of an upload that has at least these columns (in any order, capitals and spaces do not count). Raises
    ConfigError in words for the person."""
    if upload is None:
        raise ConfigError(_("Choose a CSV file first."))
    if (upload.size or 0) > MOST_BYTES:
        raise ConfigError(_("The file is too large: at most %(most)s MB are read.") % {"most": MOST_BYTES >> 20})
    return rows_of(upload.read(), columns, most=most)


def rows_of(body: bytes, columns: Sequence[str], *, most: int = MOST_ROWS) -> list[Line]:
    """The rows of a file with these bytes, as `read_csv` has them."""
    text = _text(body)
    delimiter = _delimiter(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    try:
        names = [_name(cell) for cell in next(rows, [])]
        missing = [name for name in columns if name not in names]
        if missing:
            raise ConfigError(_("The file lacks the column %(names)s.") % {"names": ", ".join(missing)})
        doubled = sorted({name for name in columns if names.count(name) > 1})
        if doubled:
            raise ConfigError(_("The column %(names)s stands twice in the file.") % {"names": ", ".join(doubled)})
        found = []
        for row in rows:
            if any(cell.strip() for cell in row):
                found.append(Line(rows.line_num, dict(zip(names, row, strict=False))))
            if len(found) > most:
                raise ConfigError(_("The file has too many rows: at most %(most)s are read.") % {"most": most})
    except csv.Error:
        raise ConfigError(_("Line %(line)s cannot be read as CSV.") % {"line": rows.line_num}) from None
    if not found:
        raise ConfigError(_("The file has no rows."))
    return found


def _text(body: bytes) -> str:
    """UTF-8, what Excel calls Unicode text, or Windows' own letters."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(_DELIMITERS, key=head.count)


def _name(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_").replace("-", "_")


def _plain(cell: str) -> str:
    """Without the apostrophes that keep spreadsheets from reckoning (see `csv.defused`)."""
    if "'" not in cell:
        return cell
    cell = _WITHIN.sub(r"\1", cell)
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1:].lstrip(" ")[:1] in "=+-@\t\r\n＝＋－＠" else cell
