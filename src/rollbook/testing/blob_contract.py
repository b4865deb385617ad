"""What every store of blobs promises (`core.protocols.Blobs`), as tests. Subclass and give a fixture `blobs`."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rollbook.core.protocols import Blobs
from rollbook.errors import BlobLost

_LARGE = 20 << 20


class BlobContract:
    """`lose(key)` and `damage(key)` do to a stored blob what a bad disk or an operator does."""

    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        raise NotImplementedError

    def lose(self, key: str) -> None:
        raise NotImplementedError

    def damage(self, key: str) -> None:
        raise NotImplementedError

    def put(self, blobs: Blobs, folder: Path, content: bytes, name: str = "file.parquet") -> str:
        path = folder / name
        path.write_bytes(content)
        return blobs.put(path)

    @pytest.mark.parametrize("size", [0, 1, 4096, _LARGE])
    def test_what_is_put_can_be_had(self, blobs: Blobs, tmp_path: Path, size: int) -> None:
        content = (bytes(range(251)) * (size // 251 + 1))[:size]
        key = self.put(blobs, tmp_path, content)
        assert blobs.get(key).read_bytes() == content
        assert blobs.get(key).suffix == ".parquet"

    def test_equal_contents_are_two_blobs(self, blobs: Blobs, tmp_path: Path) -> None:
        first, second = (self.put(blobs, tmp_path, b"rows") for _ in range(2))
        assert first != second
        self.lose(first)
        assert blobs.get(second).read_bytes() == b"rows"

    @pytest.mark.parametrize("key", ["", "../../etc/passwd", "0" * 32, f"{'0' * 16}-{'0' * 40}.parquet", "x.parquet"])
    def test_nothing_else_can_be_had(self, blobs: Blobs, key: str) -> None:
        with pytest.raises(BlobLost):
            blobs.get(key)

    def test_a_lost_blob_is_told(self, blobs: Blobs, tmp_path: Path) -> None:
        key = self.put(blobs, tmp_path, b"rows")
        self.lose(key)
        with pytest.raises(BlobLost, match="missing"):
            blobs.get(key)

    def test_a_damaged_blob_is_told(self, blobs: Blobs, tmp_path: Path) -> None:
        key = self.put(blobs, tmp_path, b"rows" * 1000)
        blobs.get(key)
        self.damage(key)
        with pytest.raises(BlobLost, match="damaged"):
            blobs.get(key)

    def test_several_threads_may_read_and_write(self, blobs: Blobs, tmp_path: Path) -> None:
        wrong: list[object] = []

        def work(number: int) -> None:
            content = f"rows {number}".encode() * 1000
            key = self.put(blobs, tmp_path, content, f"file-{number}.parquet")
            if blobs.get(key).read_bytes() != content:
                wrong.append(number)
            self.close_thread()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def close_thread(self) -> None:
        """What a thread must close at its end."""
