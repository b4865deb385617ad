"""Looks at a file as bytes, and mends what DuckDB's reader cannot take. Streams; knows no columns and no records.

DuckDB 2.0 reads UTF-8 with or without a byte order mark and lines that all end alike. It refuses other encodings and
mixed line ends, keeps NUL bytes, and takes a `sep=;` line for the header.
"""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from rollbook.errors import BadResponse

CHUNK: Final = 1 << 20
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
#: Mixed line ends are looked for in the first chunk, the last and every 16th: counting them all costs a third of the
#: speed of reading, and files that were pasted together show it at their seams or throughout.
_SAMPLE: Final = 16
Check = Callable[[], None]


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8 are read as Windows-1252, which is Latin-1 with more signs; both are what spreadsheets
    and old exports write."""
    assert isinstance(error, UnicodeDecodeError)
    wrong = error.object[error.start : error.end]
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in wrong), error.end


codecs.register_error("rollbook.windows", _as_windows)


@dataclass(frozen=True)
class Look:
    """What a file is like. `wrong` says what must be mended, by the codes of findings."""

    encoding: str
    wrong: tuple[str, ...] = ()
    lines: int = 0


def look(path: Path, check: Check) -> Look:
    """Read a file once, in chunks. `lines` is exact for files of one chunk and an estimate for larger ones; `check` is
    called for every chunk and may raise."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        first = file.read(CHUNK)
        encoding = _guess(first)
        if encoding.startswith("utf-16"):
            return Look(encoding, ("CSV_NOT_UTF8",), first.count(b"\n"))
        wrong: set[str] = set()
        decoder = codecs.getincrementaldecoder("utf-8")()
        chunk, number = first, 0
        while chunk:
            check()
            following = file.read(CHUNK)
            # A multi-byte sign may be split between two chunks: then the decoder still holds its beginning.
            if "CSV_NOT_UTF8" not in wrong and not _is_utf8(chunk, decoder, last=not following):
                wrong.add("CSV_NOT_UTF8")
            if b"\0" in chunk:
                wrong.add("CSV_NUL_BYTES")
            if (number % _SAMPLE == 0 or not following) and _is_mixed(chunk):
                wrong.add("CSV_MIXED_LINE_ENDS")
            chunk, number = following, number + 1
    lines = max(first.count(b"\n"), first.count(b"\r"))
    return Look("utf-8", tuple(sorted(wrong)), lines if size <= CHUNK else lines * size // CHUNK)


def encoding_of(path: Path) -> str:
    """utf-8, utf-16-le or utf-16-be, by the first chunk; whether all of a file is UTF-8 only `look` knows."""
    with path.open("rb", buffering=0) as file:
        return _guess(file.read(CHUNK))


def _guess(first: bytes) -> str:
    for mark, name in _BOMS:
        if first.startswith(mark):
            return name
    half = len(first) // 2
    if half > 8 and first[1::2].count(0) > half * 0.6:
        return "utf-16-le"
    return "utf-16-be" if half > 8 and first[0::2].count(0) > half * 0.6 else "utf-8"


def _is_utf8(chunk: bytes, decoder: codecs.IncrementalDecoder, *, last: bool) -> bool:
    if chunk.isascii() and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(chunk, last)
    except UnicodeDecodeError:
        return False
    return True


def _is_mixed(chunk: bytes) -> bool:
    """Lines that end in more than one way. A CR LF that the chunk's edge cuts apart does not count."""
    if b"\r" not in chunk:
        return False
    inner = chunk.removesuffix(b"\r").removeprefix(b"\n")
    pairs, feeds, returns = inner.count(b"\r\n"), inner.count(b"\n"), inner.count(b"\r")
    return feeds > 0 and not pairs == feeds == returns


def opening(path: Path, encoding: str) -> str:
    """The first 64 KiB as text, however odd: enough for a header."""
    with path.open("rb") as file:
        raw = file.read(1 << 16)
    text = codecs.getincrementaldecoder(encoding)(_handler(encoding)).decode(raw).removeprefix("\ufeff")
    return text.replace("\0", "")


def ending(path: Path, encoding: str) -> str:
    """What follows the last line end: empty when the last line is whole."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - (1 << 16)))
        raw = file.read()
    if encoding.startswith("utf-16"):
        raw = raw[len(raw) % 2 :]
    tail = codecs.getincrementaldecoder(encoding)("replace").decode(raw).replace("\0", "")
    return tail.replace("\r", "\n").rpartition("\n")[2]


def _handler(encoding: str) -> str:
    return "rollbook.windows" if encoding == "utf-8" else "replace"


def _pieces(path: Path, encoding: str, check: Check) -> Iterator[str]:
    """The file as clean text: no byte order mark, no NUL, lines that end in LF."""
    decoder = codecs.getincrementaldecoder(encoding)(_handler(encoding))
    held, at_start = "", True
    with path.open("rb") as file:
        while raw := file.read(CHUNK):
            check()
            text = held + decoder.decode(raw)
            if at_start:
                text, at_start = text.removeprefix("\ufeff"), False
            held = "\r" if text.endswith("\r") else ""  # its LF may come with the next chunk
            yield text.removesuffix("\r").replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    yield (held + decoder.decode(b"", True)).replace("\r", "\n")


@dataclass(frozen=True)
class Rewrite:
    """How to write a clean copy: the file's encoding and delimiter, lines before the header, the new header."""

    encoding: str
    delimiter: str
    skip: int
    header: tuple[str, ...]


def rewrite(path: Path, goal: Path, how: Rewrite, check: Check) -> None:
    """Write a clean, comma-separated UTF-8 copy with the given header. Raises BadResponse when the rows cannot be told
    apart. With commas the rows' text stays as it is; another delimiter means that every row is read and written."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    part, plain = goal.with_suffix(".part"), goal.with_suffix(".plain")
    try:
        with part.open("w", encoding="utf-8", newline="", errors="replace") as out:
            csv.writer(out, lineterminator="\n").writerow(how.header)
            if how.delimiter == ",":
                _copy(path, how, out, check)
            else:
                with plain.open("w", encoding="utf-8", newline="", errors="replace") as clean:
                    _copy(path, how, clean, check)
                _with_commas(plain, how.delimiter, out)
        os.replace(part, goal)
    except csv.Error:
        raise BadResponse(f"the rows of {path.name} cannot be told apart; ask for the export again") from None
    finally:
        plain.unlink(missing_ok=True)
        part.unlink(missing_ok=True)


def _copy(path: Path, how: Rewrite, out: TextIO, check: Check) -> None:
    """The clean text of everything after the header."""
    lines = how.skip + 1
    for piece in _pieces(path, how.encoding, check):
        while lines and "\n" in piece:
            piece, lines = piece.partition("\n")[2], lines - 1
        if not lines:
            out.write(piece)


def _with_commas(path: Path, delimiter: str, out: TextIO) -> None:
    with path.open(encoding="utf-8", newline="") as rows:
        csv.writer(out, lineterminator="\n").writerows(csv.reader(rows, delimiter=delimiter))
