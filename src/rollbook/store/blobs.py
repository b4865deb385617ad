"""Immutable files: visible only whole, checked when read, never changed, deleted only by `gc`. This file: a folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from rollbook.core.protocols import Blobs
from rollbook.errors import BlobLost
from rollbook.store.database import is_shared
from rollbook.store.folder import DataFolder

#: 32 random letters as the first release had it, or 16 random ones and 40 of the content's SHA-256.
_KEY = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{16}-(?P<sum>[0-9a-f]{40}))(?:\.[a-z0-9]+)?")
_PIECE = 1 << 20

#: Files whose checksum was right, as they were then.
_verified: dict[Path, tuple[int, int]] = {}


class StoredBlobs(Blobs, Protocol):
    """What `gc` and backups need besides."""

    def everything(self) -> Iterator[tuple[str, int]]:
        """Every blob there is, referenced or not, with its size in bytes."""

    def delete(self, key: str) -> None:
        """Only `gc` calls this, after the pointer is gone."""


def open_blobs(folder: DataFolder) -> StoredBlobs:
    """Where this installation keeps its files: in the data folder, or in PostgreSQL where several machines work."""
    if not is_shared():
        return LocalBlobs(folder.blobs)
    from rollbook.store.database_blobs import DatabaseBlobs

    return DatabaseBlobs(folder.blobs)


def key_of(path: Path) -> str:
    """A new key for a file: random, with its checksum and suffix."""
    suffix = path.suffix.lower() if re.fullmatch(r"\.[a-z0-9]+", path.suffix.lower()) else ""
    return f"{uuid.uuid4().hex[:16]}-{checksum(path)}{suffix}"


def checksum(path: Path) -> str:
    """The first 40 letters of the SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:40]


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


class LocalBlobs:
    """Blobs under `folder`, sharded by the first two letters of the key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, path: Path) -> str:
        """Take over a finished file and return its key: synced, renamed, folder synced. The file is moved."""
        key = key_of(path)
        self.take(path, key)
        return key

    def take(self, path: Path, key: str) -> None:
        """Move a finished file to where this key's blob lies."""
        target = self.place(key)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _sync(path)
            path.replace(target)
        except OSError as error:
            if error.errno != 18:  # EXDEV: the work folder is on another disk
                raise
            beside = target.with_name(f".{key}.part")
            shutil.copyfile(path, beside)
            _sync(beside)
            beside.replace(target)
            path.unlink()
        _sync(target.parent)

    def get(self, key: str) -> Path:
        """The blob's file, checked once by this process. Raises BlobLost."""
        place = self.place(key)
        try:
            found = place.stat()
        except OSError:
            raise BlobLost(f"the stored file {key} is missing from {self.folder}") from None
        state = (found.st_mtime_ns, found.st_size)
        if _verified.get(place) != state:
            self._verify(place, key)
            _verified[place] = state
        return place

    def _verify(self, place: Path, key: str) -> None:
        match = _KEY.fullmatch(key)
        wanted = match["sum"] if match else None
        if wanted is not None and checksum(place) != wanted:
            raise BlobLost(f"the stored file {key} in {self.folder} is damaged")

    def everything(self) -> Iterator[tuple[str, int]]:
        for file in self.folder.glob("??/*"):
            if is_key(file.name):
                yield file.name, file.stat().st_size

    def delete(self, key: str) -> None:
        self.place(key).unlink(missing_ok=True)

    def place(self, key: str) -> Path:
        """Where the blob lies or would lie. Raises BlobLost when the key is none of ours."""
        if not is_key(key):
            raise BlobLost(f"there is no stored file {key!r}")
        return self.folder / key[:2] / key


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
