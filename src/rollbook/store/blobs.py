"""Immutable files in a local folder: visible only whole, never changed, deleted only by `gc`. No database."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{32}(\.[a-z0-9]+)?")


class LocalBlobs:
    """Blobs under `folder`, sharded by the first two letters of the key: random, with the file's suffix."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, path: Path) -> str:
        """Take over a finished file and return its key: synced, renamed, folder synced. The file is moved."""
        suffix = path.suffix.lower()
        key = uuid.uuid4().hex + (suffix if re.fullmatch(r"\.[a-z0-9]+", suffix) else "")
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
        return key

    def get(self, key: str) -> Path:
        """The blob's file. Raises KeyError when there is none."""
        place = self.place(key)
        if not place.is_file():
            raise KeyError(key)
        return place

    def everything(self) -> Iterator[tuple[str, Path]]:
        """Every blob there is, referenced or not."""
        for file in self.folder.glob("??/*"):
            if _KEY.fullmatch(file.name):
                yield file.name, file

    def delete(self, key: str) -> None:
        """Only `gc` calls this, after the pointer is gone."""
        self.place(key).unlink(missing_ok=True)

    def place(self, key: str) -> Path:
        """Where the blob lies or would lie. Raises KeyError when the key is none of ours."""
        if not _KEY.fullmatch(key):
            raise KeyError(key)
        return self.folder / key[:2] / key


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
