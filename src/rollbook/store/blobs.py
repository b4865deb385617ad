"""Immutable files in a local folder: visible only whole, never changed, deleted only by `gc`. `open_blobs` decides
whether an installation keeps its files here or in PostgreSQL."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from rollbook.core.protocols import Blobs
from rollbook.store.checksums import VERIFIED, is_key, lost, new_key
from rollbook.store.folder import DataFolder


class KeptBlobs(Blobs, Protocol):
    """Blobs with what garbage collection needs."""

    def everything(self) -> Iterator[tuple[str, int]]:
        """Key and size of every blob there is, referenced or not."""

    def delete(self, key: str) -> None:
        """Only `gc` calls this, after the pointer is gone. A blob that is not there is no trouble."""


def open_blobs(folder: DataFolder, work: Path | None = None) -> KeptBlobs:
    """The blobs of the opened data folder: files beside SQLite, rows in PostgreSQL.

    `work` is a run's own folder: what the run reads stays there as long as the run works.
    """
    from django.db import connection

    if connection.vendor != "postgresql":
        return LocalBlobs(folder.blobs)
    from rollbook.store.database_blobs import DatabaseBlobs

    return DatabaseBlobs(folder.cache, work)


class LocalBlobs:
    """Blobs under `folder`, sharded by the first two letters of the key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, path: Path) -> str:
        """Take over a finished file and return its key: synced, renamed, folder synced. The file is moved."""
        key = new_key(path)
        target = self.place(key)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        move_synced(path, target)
        return key

    def get(self, key: str, what: str = "a stored file", /) -> Path:
        """The blob's file. Raises BlobLost."""
        if not is_key(key):
            raise lost(key, what, "is missing")
        place = self.place(key)
        try:
            if not VERIFIED.fits(key, place):
                raise lost(key, what, "is damaged")
        except FileNotFoundError:
            raise lost(key, what, "is missing") from None
        except OSError as error:
            raise lost(key, what, f"cannot be read ({error.strerror})") from None
        return place

    def everything(self) -> Iterator[tuple[str, int]]:
        for file in self.folder.glob("??/*"):
            if is_key(file.name):
                yield file.name, file.stat().st_size

    def delete(self, key: str) -> None:
        self.place(key).unlink(missing_ok=True)

    def place(self, key: str) -> Path:
        """Where the blob lies or would lie. Raises KeyError when the key is none of ours."""
        if not is_key(key):
            raise KeyError(key)
        return self.folder / key[:2] / key


def move_synced(path: Path, target: Path) -> None:
    """Put a finished file in its place, whole or not at all, so that it survives a power cut."""
    sync(path)
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:  # the work folder is on another disk
            raise
        beside = target.with_name(f".{target.name}.part")
        shutil.copyfile(path, beside)
        sync(beside)
        beside.replace(target)
        path.unlink()
    sync(target.parent)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
