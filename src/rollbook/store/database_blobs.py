"""Immutable files as rows of the database, for workers on several machines, with a cache of files on each machine.

A blob is visible only whole: pieces and head are one transaction. The cache is never the only place of anything.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.db import transaction

from rollbook.errors import LeaseLost
from rollbook.store.blobs import move_synced
from rollbook.store.checksums import VERIFIED, is_key, lost, new_key
from rollbook.store.models import BlobHead, BlobPiece
from rollbook.store.pieces import read_piece, write_piece

#: A row holds at most this much: memory for it is needed several times while it travels.
PIECE_BYTES: Final = 4 << 20
#: The cache may grow to so many MiB.
CACHE_MIB: Final = int(os.environ.get("ROLLBOOK_CACHE_MIB", "4096"))
#: What was read within this time stays in the cache, however large it is. Runs keep their own links.
IN_USE_S: Final = 3600.0


class DatabaseBlobs:
    """Blobs in the tables BlobHead and BlobPiece, and copies of them in `cache`.

    With `work`, a run's own folder, what is read is linked there: the file stays until the run has ended, even when
    the cache forgets it.
    """

    def __init__(self, cache: Path, work: Path | None = None, *, cache_mib: int = CACHE_MIB) -> None:
        self._cache = cache
        self._links = work / "blobs" if work is not None else None
        self._most = cache_mib << 20
        for folder in (cache, self._links):
            if folder is not None:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, path: Path) -> str:
        """Store a finished file and return its key. The file is moved into the cache."""
        key = new_key(path)
        with transaction.atomic(), path.open("rb") as file:
            count = size = 0
            while piece := file.read(PIECE_BYTES):
                write_piece(key, count, piece)
                count, size = count + 1, size + len(piece)
            BlobHead.objects.create(key=key, size=size, pieces=count)
        self._make_room(size)
        move_synced(path, self._cache / key)
        return key

    def get(self, key: str, what: str = "a stored file", /) -> Path:
        """A local copy of the blob. Raises BlobLost; LeaseLost when the run's folder is gone: who took the run over
        has it, or has ended the run."""
        if not is_key(key):
            raise lost(key, what, "is missing")
        while True:
            cached = self._cached(key) or self._fetch(key, what)
            if self._links is None:
                return cached
            try:
                return _link(cached, self._links / key)
            except FileNotFoundError:  # another process made room in this very moment, or …
                if not self._links.exists():
                    raise LeaseLost("the run's folder is gone: another worker took the run over") from None

    def everything(self) -> Iterator[tuple[str, int]]:
        yield from BlobHead.objects.values_list("key", "size").order_by("key").iterator()

    def delete(self, key: str) -> None:
        with transaction.atomic():
            BlobHead.objects.filter(key=key).delete()
            BlobPiece.objects.filter(key=key).delete()
        if is_key(key):
            (self._cache / key).unlink(missing_ok=True)

    def _cached(self, key: str) -> Path | None:
        """The file in the cache, marked as used now; None when it is not there or not whole."""
        path = self._cache / key
        try:
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
            if VERIFIED.fits(key, path):
                return path
            path.unlink(missing_ok=True)  # this disk damaged it; the database has it still
        except FileNotFoundError:
            pass
        return None

    def _fetch(self, key: str, what: str) -> Path:
        head = BlobHead.objects.filter(key=key).first()
        if head is None:
            raise lost(key, what, "is missing")
        self._make_room(head.size)
        beside = self._cache / f".{key}.{os.getpid()}-{time.monotonic_ns()}"
        try:
            with beside.open("wb") as file:
                for number in range(head.pieces):
                    file.write(_piece(key, number, what))
            if beside.stat().st_size != head.size or not VERIFIED.fits(key, beside):
                raise lost(key, what, "is damaged")
            move_synced(beside, self._cache / key)
        finally:
            beside.unlink(missing_ok=True)
        return self._cache / key

    def _make_room(self, size: int) -> None:
        """Forget the files that were not used for longest, until `size` more bytes fit; never one in use."""
        there = []
        for path in self._cache.iterdir():
            try:
                there.append((path.stat().st_atime, path.stat().st_size, path))
            except FileNotFoundError:
                continue
        total = sum(one[1] for one in there) + size
        for used, bytes_, path in sorted(there):
            if total <= self._most or used > time.time() - IN_USE_S:
                return
            path.unlink(missing_ok=True)
            total -= bytes_


def _piece(key: str, number: int, what: str) -> bytes:
    found = read_piece(key, number)
    if found is None:
        raise lost(key, what, "is damaged")
    return found


def _link(cached: Path, target: Path) -> Path:
    """A second name of the file in the run's folder; a copy where the disk has no links."""
    try:
        os.link(cached, target)
    except FileExistsError:
        pass
    except FileNotFoundError:
        raise
    except OSError:
        beside = target.with_name(f".{target.name}.part")
        shutil.copyfile(cached, beside)
        beside.replace(target)
    return target
