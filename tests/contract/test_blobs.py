"""Every place for immutable files keeps the promises of `BlobContract`; the database's cache keeps some more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollbook.core.protocols import Blobs
from rollbook.errors import BlobLost, LeaseLost
from rollbook.store import checksums
from rollbook.store.blobs import LocalBlobs, open_blobs
from rollbook.store.database_blobs import IN_USE_S, PIECE_BYTES, DatabaseBlobs
from rollbook.store.models import BlobHead, BlobPiece
from rollbook.testing.blob_contract import BlobContract
from rollbook.testing.world import FolderBlobs
from tests.cli.kit import close_store, open_store


def _flip(path: Path) -> None:
    """Change a byte as a bad disk does: same size, another time."""
    before = path.stat()
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


class TestFolderBlobs(BlobContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> FolderBlobs:
        return FolderBlobs(tmp_path / "blobs")

    @pytest.fixture
    def again(self, blobs: FolderBlobs) -> FolderBlobs:
        return blobs

    @pytest.fixture
    def harm(self, tmp_path: Path) -> Callable[[str], None]:
        return lambda key: _flip(tmp_path / "blobs" / key)

    @pytest.fixture
    def lose(self, tmp_path: Path) -> Callable[[str], None]:
        return lambda key: (tmp_path / "blobs" / key).unlink()


class TestLocalBlobs(BlobContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> LocalBlobs:
        return LocalBlobs(tmp_path / "blobs")

    @pytest.fixture
    def again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalBlobs:
        monkeypatch.setattr("rollbook.store.blobs.VERIFIED", checksums.Verified())
        return LocalBlobs(tmp_path / "blobs")

    @pytest.fixture
    def harm(self, blobs: LocalBlobs) -> Callable[[str], None]:
        return lambda key: _flip(blobs.place(key))

    @pytest.fixture
    def lose(self, blobs: LocalBlobs) -> Callable[[str], None]:
        return blobs.delete

    def test_files_of_earlier_releases_have_no_checksum(self, blobs: LocalBlobs) -> None:
        key = "0123456789abcdef0123456789abcdef.parquet"
        blobs.place(key).parent.mkdir(parents=True)
        blobs.place(key).write_bytes(b"old")
        assert blobs.get(key).read_bytes() == b"old"
        assert list(blobs.everything()) == [(key, 3)]

    def test_a_file_is_read_whole_only_once(self, blobs: LocalBlobs, put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        key = put(b"rows")
        read: list[Path] = []
        monkeypatch.setattr("rollbook.store.blobs.VERIFIED", checksums.Verified())
        monkeypatch.setattr(
            checksums, "_checksum", lambda path, real=checksums._checksum: read.append(path) or real(path)
        )
        for _ in range(3):
            blobs.get(key)
        assert len(read) == 1


class DatabaseContract(BlobContract):
    """The same tables on either database; `work` links what a run reads into the run's folder."""

    @pytest.fixture
    def folder(self, tmp_path: Path, database: str):
        with open_store(tmp_path / "data") as found:
            yield found

    @pytest.fixture
    def blobs(self, folder: Any) -> DatabaseBlobs:
        return DatabaseBlobs(folder.path / "here")

    @pytest.fixture
    def again(self, folder: Any) -> DatabaseBlobs:
        return DatabaseBlobs(folder.path / "there", folder.work / "run")

    @pytest.fixture
    def harm(self, blobs: Any) -> Callable[[str], None]:
        def change(key: str) -> None:
            piece = BlobPiece.objects.get(key=key, number=0)
            piece.data = bytes([bytes(piece.data)[0] ^ 1]) + bytes(piece.data)[1:]
            piece.save()

        return change

    @pytest.fixture
    def lose(self, blobs: DatabaseBlobs) -> Callable[[str], None]:
        return blobs.delete

    def _read(self, blobs: Blobs, key: str, content: bytes, seen: list[bool]) -> None:
        try:
            super()._read(blobs, key, content, seen)
        finally:
            close_store()


class TestDatabaseBlobs(DatabaseContract):
    def test_a_large_file_is_many_small_rows(self, blobs: DatabaseBlobs, again: Blobs, put: Any) -> None:
        content = os.urandom(2 * PIECE_BYTES + 1)
        key = put(content)
        assert [len(bytes(row.data)) for row in BlobPiece.objects.order_by("number")] == [PIECE_BYTES, PIECE_BYTES, 1]
        assert PIECE_BYTES <= 8 << 20
        assert again.get(key).read_bytes() == content

    def test_half_a_file_is_no_file(self, again: Blobs, blobs: Any, put: Any) -> None:
        key = put(b"rows")
        BlobPiece.objects.filter(key=key).delete()
        with pytest.raises(BlobLost, match="damaged"):
            again.get(key)
        BlobHead.objects.filter(key=key).delete()
        assert not list(blobs.everything())

    def test_nothing_is_kept_of_a_file_that_could_not_be_stored(
        self, blobs: DatabaseBlobs, put: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: Any) -> None:
            raise OSError("the disk is full")

        monkeypatch.setattr(BlobHead.objects, "create", refuse)
        with pytest.raises(OSError, match="full"):
            put(b"rows")
        assert not BlobPiece.objects.exists()

    def test_a_damaged_copy_is_fetched_again(self, blobs: DatabaseBlobs, put: Any) -> None:
        key = put(b"rows")
        _flip(blobs.get(key))
        assert blobs.get(key).read_bytes() == b"rows"

    def test_the_cache_is_bounded_and_a_run_keeps_what_it_reads(self, folder: Any, put: Any) -> None:
        small = DatabaseBlobs(folder.path / "small", folder.work / "run", cache_mib=1)
        keys = [put(os.urandom(400_000)) for _ in range(4)]
        files = []
        for number, key in enumerate(keys):
            files.append(small.get(key))
            long_ago = time.time() - IN_USE_S - 100 + number
            os.utime(folder.path / "small" / key, (long_ago, os.stat(folder.path / "small" / key).st_mtime))
        assert sorted(path.name for path in (folder.path / "small").iterdir()) == sorted(keys[2:])
        assert [path.stat().st_size for path in files] == [400_000] * 4
        assert small.get(keys[0]).read_bytes() == files[0].read_bytes()

    def test_whose_folder_was_taken_over_is_told_so(self, folder: Any, again: Blobs, put: Any) -> None:
        """A frozen worker that wakes up: another one on this machine has its run's folder."""
        key = put(b"rows")
        (folder.work / "run").rename(folder.work / "taken")
        with pytest.raises(LeaseLost):
            again.get(key)

    def test_what_was_just_read_stays_in_the_cache(self, folder: Any, put: Any) -> None:
        small = DatabaseBlobs(folder.path / "small", cache_mib=1)
        files = [small.get(put(os.urandom(400_000))) for _ in range(4)]
        assert all(path.exists() for path in files)


def test_one_function_decides_where_files_are(tmp_path: Path, database: str) -> None:
    with open_store(tmp_path / "data") as folder:
        kind = {"sqlite": LocalBlobs, "postgresql": DatabaseBlobs}[database]
        assert type(open_blobs(folder)) is kind
        assert type(open_blobs(folder, folder.work / "run")) is kind
