"""The promises of `core.protocols.Blobs` as tests. An author subclasses `BlobContract` and overrides its fixtures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rollbook.core.protocols import Blobs
from rollbook.errors import BlobLost


class BlobContract:
    """What every place for immutable files promises. `harm(key)` damages a stored blob, `lose(key)` takes it away."""

    @pytest.fixture
    def blobs(self) -> Blobs:
        raise NotImplementedError("return the blobs under test")

    @pytest.fixture
    def again(self) -> Blobs:
        """The same blobs as another process sees them, which has read none of them yet."""
        raise NotImplementedError("return the blobs, opened once more")

    @pytest.fixture
    def harm(self) -> Callable[[str], None]:
        raise NotImplementedError("return what changes a byte of a stored blob")

    @pytest.fixture
    def lose(self) -> Callable[[str], None]:
        raise NotImplementedError("return what takes a stored blob away")

    @pytest.fixture
    def put(self, blobs: Blobs, tmp_path: Path) -> Callable[[bytes], str]:
        def put_bytes(content: bytes) -> str:
            path = tmp_path / "made here.parquet"
            path.write_bytes(content)
            return blobs.put(path)

        return put_bytes

    def test_comes_back_as_it_was(self, again: Blobs, put: Callable[[bytes], str]) -> None:
        for content in (b"", b"rows", bytes(range(256)) * 40_000):
            assert again.get(put(content)).read_bytes() == content

    def test_comes_back_again_and_again(self, blobs: Blobs, put: Callable[[bytes], str]) -> None:
        key = put(b"rows")
        assert {blobs.get(key).read_bytes() for _ in range(3)} == {b"rows"}

    def test_takes_the_file_over(self, put: Callable[[bytes], str], tmp_path: Path) -> None:
        put(b"rows")
        assert not (tmp_path / "made here.parquet").exists()

    def test_equal_content_is_two_blobs(self, blobs: Blobs, put: Callable[[bytes], str]) -> None:
        first, second = put(b"rows"), put(b"rows")
        assert first != second  # collecting one as garbage must not take the other
        assert len(first) <= 80

    def test_keeps_the_suffix(self, blobs: Blobs, put: Callable[[bytes], str]) -> None:
        assert blobs.get(put(b"rows")).suffix == ".parquet"

    @pytest.mark.parametrize("key", ["", ".", "../../etc/passwd", "0" * 32, "f" * 32 + ".parquet", "x.parquet"])
    def test_what_is_not_there_is_lost(self, blobs: Blobs, key: str) -> None:
        with pytest.raises(BlobLost, match="the ledger of users"):
            blobs.get(key, "the ledger of users")

    def test_what_went_away_is_lost(
        self, again: Blobs, put: Callable[[bytes], str], lose: Callable[[str], None]
    ) -> None:
        key, other = put(b"rows"), put(b"more")
        lose(key)
        with pytest.raises(BlobLost, match=r"the plan of users.*is missing"):
            again.get(key, "the plan of users")
        assert again.get(other).read_bytes() == b"more"

    def test_what_was_damaged_is_lost(
        self, again: Blobs, put: Callable[[bytes], str], harm: Callable[[str], None]
    ) -> None:
        key, other = put(b"rows"), put(b"more")
        harm(key)
        for _ in range(2):
            with pytest.raises(BlobLost, match="is damaged") as error:
                again.get(key)
            assert "rows" not in str(error.value)
        assert again.get(other).read_bytes() == b"more"

    def test_many_readers_see_it_whole(self, again: Blobs, put: Callable[[bytes], str]) -> None:
        content = bytes(range(256)) * 40_000
        key = put(content)
        seen: list[bool] = []
        threads = [threading.Thread(target=self._read, args=(again, key, content, seen)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [True] * 6

    def _read(self, blobs: Blobs, key: str, content: bytes, seen: list[bool]) -> None:
        """In a thread of its own; a subclass closes what such a thread opened."""
        seen.append(blobs.get(key).read_bytes() == content)
