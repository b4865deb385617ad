"""Blobs in PostgreSQL, so that every worker reaches them; files of the data folder are a cache. Never changed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.db import transaction

from rollbook.errors import BlobLost
from rollbook.store.blobs import LocalBlobs, key_of
from rollbook.store.models import BlobChunk, BlobRow

#: A value of the database at most; larger files are several.
CHUNK: Final = 8 << 20
#: A file that nobody has read for so long leaves the cache (seconds).
CACHED_FOR: Final = 24 * 3600.0


class DatabaseBlobs:
    """Implements `core.protocols.Blobs`: the row is written last and in one transaction with its chunks, so that a blob
    is there whole or not at all."""

    def __init__(self, cache: Path) -> None:
        self._cache = LocalBlobs(cache)

    def put(self, path: Path) -> str:
        key, size = key_of(path), path.stat().st_size
        with transaction.atomic(), path.open("rb") as file:
            row = BlobRow.objects.create(key=key, size=size)
            for number, data in enumerate(iter(lambda: file.read(CHUNK), b"")):
                BlobChunk.objects.create(blob=row, number=number, data=data)
        self._cache.take(path, key)
        return key

    def get(self, key: str) -> Path:
        """The cached file, fetched when it is not there or damaged. Raises BlobLost."""
        try:
            place = self._cache.get(key)
        except BlobLost:
            self._fetch(key)
            place = self._cache.get(key)
        place.touch()  # for `trim`
        return place

    def _fetch(self, key: str) -> None:
        place = self._cache.place(key)
        row = BlobRow.objects.filter(pk=key).first()
        if row is None:
            raise BlobLost(f"the stored file {key} is missing from the database")
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = place.with_name(f".{key}.{uuid.uuid4().hex}.part")
        try:
            with beside.open("wb") as file:
                for number in range(-(-row.size // CHUNK)):
                    data = row.chunks.filter(number=number).values_list("data", flat=True).first()
                    if data is None:
                        raise BlobLost(f"a part of the stored file {key} is missing from the database")
                    file.write(data)
            self._cache.take(beside, key)
        finally:
            beside.unlink(missing_ok=True)

    def everything(self) -> Iterator[tuple[str, int]]:
        yield from BlobRow.objects.values_list("key", "size").iterator()

    def delete(self, key: str) -> None:
        BlobRow.objects.filter(pk=key).delete()
        self._cache.delete(key)

    def trim(self) -> int:
        """Take files that nobody reads any more out of the cache; how many."""
        trimmed = 0
        for key, _ in list(self._cache.everything()):
            place = self._cache.place(key)
            if time.time() - place.stat().st_mtime > CACHED_FOR:
                place.unlink(missing_ok=True)
                trimmed += 1
        return trimmed
