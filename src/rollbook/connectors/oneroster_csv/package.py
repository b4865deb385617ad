"""The package: a folder or a zip file with CSV files. Unpacks single files on demand; never more than the limits allow,
never to a place that the zip names."""

from __future__ import annotations

import io
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from rollbook.errors import BadResponse, ConfigError

MOST_FILES: Final = 1000
#: DEFLATE text of rosters shrinks to a twentieth; beyond this it is an attack, not a roster.
MOST_RATIO: Final = 200
#: So many bytes has a zip's list of its files at most; a thousand names are shorter.
_MOST_LIST: Final = 1 << 20
_SMALL: Final = 1 << 20
_CHUNK: Final = 1 << 20
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_IGNORED: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_ASK: Final = "ask whoever makes the export to send it again"


@dataclass(frozen=True)
class Member:
    """One file of the package: its name without folder, its size in bytes, and a way to get it as a local file."""

    name: str
    size: int
    fetch: Callable[[Path], Path]


@dataclass(frozen=True)
class Package:
    """`members` by lower-case name. `folder` is the one common folder the files lie in, if any. `elsewhere` names files
    in other folders; they are not read."""

    members: dict[str, Member]
    folder: str = ""
    elsewhere: Sequence[str] = ()

    def find(self, collection: str) -> Member | None:
        """The file of a collection, whatever the case of its name."""
        return self.members.get(f"{collection.lower()}.csv")


def open_package(path: Path, most_bytes: int) -> Package:
    """Look into a folder or zip. Raises ConfigError (path, rights) or BadResponse (broken or dangerous zip)."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _folder(path)
        if not stat.S_ISREG(mode):
            raise ConfigError("the path of the OneRoster CSV connection is neither a folder nor a file")
        return _zip(path, most_bytes)
    except FileNotFoundError:
        raise ConfigError("there is nothing at the path of the OneRoster CSV connection") from None
    except PermissionError:
        raise ConfigError("the path of the OneRoster CSV connection may not be read by Rollbook's user") from None


def _folder(path: Path) -> Package:
    entries = sorted(path.iterdir())
    inside = ""
    if not any(entry.suffix.lower() == ".csv" for entry in entries):
        folders = [entry for entry in entries if entry.is_dir() and not _is_ignored(f"{entry.name}/")]
        if len(folders) == 1:
            inside, entries = folders[0].name, sorted(folders[0].iterdir())
    files = [entry for entry in entries if entry.is_file() and not _is_ignored(entry.name)]
    members = [Member(file.name, file.stat().st_size, _here(file)) for file in files]
    return Package(_by_name(members), inside)


def _here(file: Path) -> Callable[[Path], Path]:
    return lambda folder: file


def _zip(path: Path, most_bytes: int) -> Package:
    try:
        entries = [entry for entry in zip_entries(path) if not entry.is_dir()]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, ValueError, NotImplementedError):
        raise BadResponse(f"the zip file is broken, cut off, or no zip file at all; {_ASK}") from None
    _check_sizes(entries, most_bytes)
    for entry in entries:
        _check_entry(entry)
    entries = [entry for entry in entries if not _is_ignored(entry.filename)]
    tops = {PurePosixPath(entry.filename).parts[0] for entry in entries}
    parents = {str(PurePosixPath(entry.filename).parent) for entry in entries}
    inside = tops.pop() if len(tops) == 1 and "." not in parents else ""
    files = [entry for entry in entries if str(PurePosixPath(entry.filename).parent) == (inside or ".")]
    elsewhere = [entry.filename for entry in entries if entry not in files]
    members = [Member(PurePosixPath(entry.filename).name, entry.file_size, _unpacker(path, entry)) for entry in files]
    return Package(_by_name(members), inside, elsewhere)


def zip_entries(path: Path) -> list[zipfile.ZipInfo]:
    """What a zip says that it holds. Raises BadResponse where that is too much to be read, and what zipfile raises."""
    with _Listing(path) as file, zipfile.ZipFile(file) as archive:
        return archive.infolist()


class _Listing(io.FileIO):
    """A zip of which only the list of files is read: that is one piece, which must not fill the memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, os.fstat(self.fileno()).st_size - self.tell())
        if (left if size is None or size < 0 else min(size, left)) > _MOST_LIST:
            raise BadResponse(f"the zip file lists far more files than the 22 that belong in it; {_ASK}")
        return super().read(size) or b""


def _check_sizes(entries: Sequence[zipfile.ZipInfo], most_bytes: int) -> None:
    if len(entries) > MOST_FILES:
        raise BadResponse(f"the zip file holds {len(entries)} files, where at most 22 belong; {_ASK}")
    if sum(entry.file_size for entry in entries) > most_bytes:
        raise BadResponse(
            f"the files of the zip would fill more than {most_bytes / 1e9:g} GB; {_ASK}, or raise `max_gigabytes`"
        )
    if any(e.file_size > _SMALL and e.file_size > MOST_RATIO * max(e.compress_size, 1) for e in entries):
        raise BadResponse(f"a file in the zip is packed more than {MOST_RATIO} to 1, as no roster is; {_ASK}")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    # orig_filename: what the zip says, before Python tidies it up
    name = entry.orig_filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\0" in name:
        raise BadResponse(f"a file name in the zip leads out of its folder; {_ASK}")
    if entry.flag_bits & 0x1:
        raise ConfigError("the zip file has a password; Rollbook needs one without")
    if entry.compress_type not in _METHODS:
        raise BadResponse(f"the zip file is packed in another way than DEFLATE, which OneRoster asks for; {_ASK}")


def _unpacker(path: Path, entry: zipfile.ZipInfo) -> Callable[[Path], Path]:
    def unpack(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        goal = folder / f"{PurePosixPath(entry.filename).stem.lower()}.csv"
        part = goal.with_suffix(".part")
        if shutil.disk_usage(folder).free < entry.file_size:
            raise ConfigError("there is too little free space to unpack the zip file")
        try:
            with zipfile.ZipFile(path) as archive, archive.open(entry) as packed, part.open("wb") as plain:
                shutil.copyfileobj(packed, plain, _CHUNK)  # reads at most `file_size` bytes and checks their CRC
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError):
            part.unlink(missing_ok=True)
            raise BadResponse(f"{goal.name} in the zip file is broken or cut off; {_ASK}") from None
        os.replace(part, goal)
        return goal

    return unpack


def _by_name(members: Sequence[Member]) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for member in members:
        if member.name.lower() in found:
            raise BadResponse(f"the package holds {member.name} twice; {_ASK}")
        found[member.name.lower()] = member
    return found


def _is_ignored(name: str) -> bool:
    return name.startswith(_IGNORED) or name.rpartition("/")[2].startswith((".", *_IGNORED[1:]))
