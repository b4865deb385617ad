"""Mess in files as bytes, in the manifest, and in the zip."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from .mess_kit import BYTES, LINES, MANIFEST, ZIP, ZIP_END, Kinds, Mess, data_files, edit_lines, some

KINDS = Kinds()
BOMB_BYTES = 256 << 20
_CHUNK = 1 << 20


@KINDS.add("ragged-rows", "A few enrollments and users have a field too few or a field too many.", LINES)
def _ragged(folder: Path, mess: Mess) -> None:
    def change(line: bytes, number: int) -> bytes:
        if some(number):
            return line.rstrip(b"\n").rpartition(b",")[0] + b"\n"
        return line.rstrip(b"\n") + b",surplus\n" if some(number, 71) else line

    for name in ("users", "enrollments"):
        edit_lines(folder / f"{name}.csv", change)


@KINDS.add("broken-quotes", "A few users and classes have a quotation mark that is never closed.", LINES)
def _quotes(folder: Path, mess: Mess) -> None:
    def change(line: bytes, number: int) -> bytes:
        return line.replace(b",,,", b',,,"', 1) if some(number, 97) else line

    for name in ("users", "classes"):
        edit_lines(folder / f"{name}.csv", change)


@KINDS.add("bom", "Each file begins with a byte order mark.", BYTES)
def _bom(folder: Path, mess: Mess) -> None:
    for path in sorted(folder.glob("*.csv")):
        edit_lines(path, lambda line, number: b"\xef\xbb\xbf" + line if number == 0 else line)


@KINDS.add("crlf", "Lines end with CR LF.", BYTES)
def _crlf(folder: Path, mess: Mess) -> None:
    for path in sorted(folder.glob("*.csv")):
        edit_lines(path, lambda line, number: line.rstrip(b"\n") + b"\r\n")


@KINDS.add("latin1", "Files are in Latin-1; what it cannot hold became a question mark.", BYTES)
def _latin1(folder: Path, mess: Mess) -> None:
    for path in data_files(folder):
        edit_lines(path, lambda line, number: line.decode("utf-8").encode("latin-1", "replace"))


@KINDS.add("header-only-file", "enrollments.csv has a header and no rows.", BYTES)
def _header_only(folder: Path, mess: Mess) -> None:
    edit_lines(folder / "enrollments.csv", lambda line, number: b"" if number else line)


@KINDS.add("empty-file", "enrollments.csv is empty, without a header.", BYTES)
def _empty(folder: Path, mess: Mess) -> None:
    (folder / "enrollments.csv").write_bytes(b"")


@KINDS.add("truncated-file", "enrollments.csv breaks off in the middle of a row, at about 60 %.", BYTES)
def _truncated(folder: Path, mess: Mess) -> None:
    path = folder / "enrollments.csv"
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, 2) * 6 // 10
        file.seek(max(0, size - 200))
        tail = file.read(min(size, 200))
        inside = tail.rfind(b"\n") + 10 if b"\n" in tail else len(tail)
        file.truncate(max(0, size - 200) + inside)


@KINDS.add("blank-manifest", "The manifest lists its properties without values.", MANIFEST)
def _blank(folder: Path, mess: Mess) -> None:
    edit_lines(folder / "manifest.csv", lambda line, n: line if n == 0 else line.split(b",")[0] + b",\n")


@KINDS.add(
    "wrong-manifest",
    "The manifest calls users.csv absent and names results.csv, which is not there.",
    MANIFEST,
)
def _wrong(folder: Path, mess: Mess) -> None:
    wrong = {b"file.users": b"absent", b"file.results": b"bulk"}

    def change(line: bytes, number: int) -> bytes:
        name = line.split(b",")[0]
        return name + b"," + wrong[name] + b"\n" if name in wrong else line

    edit_lines(folder / "manifest.csv", change)


@KINDS.add("no-manifest", "There is no manifest.csv.", MANIFEST)
def _none(folder: Path, mess: Mess) -> None:
    (folder / "manifest.csv").unlink(missing_ok=True)


@KINDS.add("zip-with-folder", "The files of the zip lie in a folder.", ZIP)
def _folder(path: Path, mess: Mess) -> None:
    fresh = path.with_suffix(".tmp")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            entry = zipfile.ZipInfo(f"oneroster/{item.filename}", date_time=item.date_time)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with old.open(item) as source, new.open(entry, "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink, _CHUNK)
    fresh.replace(path)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=(2026, 11, 23, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


@KINDS.add("zip-path-escape", "The zip holds files whose names lead out of its folder.", ZIP)
def _escape(path: Path, mess: Mess) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(_entry("../escaped.csv"), "sourcedId\nescaped\n")
        archive.writestr(_entry("/tmp/rollbook-escaped.csv"), "sourcedId\nescaped\n")


@KINDS.add("zip-bomb", "The zip holds a demographics.csv of 256 MiB in a thousandth of the space.", ZIP)
def _bomb(path: Path, mess: Mess) -> None:
    blank = b" " * _CHUNK
    with zipfile.ZipFile(path, "a") as archive, archive.open(_entry("demographics.csv"), "w") as sink:
        sink.write(b"sourcedId,status,dateLastModified,birthDate\n")
        for _ in range(BOMB_BYTES // _CHUNK):
            sink.write(blank)


@KINDS.add("truncated-zip", "The zip file breaks off at about 70 %.", ZIP_END)
def _cut(path: Path, mess: Mess) -> None:
    with path.open("r+b") as file:
        file.truncate(file.seek(0, 2) * 7 // 10)
