"""Keys that carry the SHA-256 of their blob, and files held against them. Knows neither folders nor tables."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path

from rollbook.errors import BlobLost

# 16 random letters, then all 256 bits in 52 letters that every file system keeps apart; with the suffix at most 80.
_LETTERS = "0123456789abcdefghijklmnopqrstuv"
_KEY = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{16}-(?P<sum>[0-9a-v]{52}))(?:\.[a-z0-9]{1,7})?")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,7}")


def new_key(path: Path) -> str:
    """A key for this file as it is now: random, its checksum, its suffix."""
    suffix = path.suffix.lower()
    return f"{uuid.uuid4().hex[:16]}-{_checksum(path)}{suffix if _SUFFIX.fullmatch(suffix) else ''}"


def is_key(text: str) -> bool:
    """Is this a key of ours? Keys of earlier releases, without a checksum, are."""
    return _KEY.fullmatch(text) is not None


def lost(key: str, what: str, how: str) -> BlobLost:
    """The error for a blob that is `how`: missing or damaged. An unknown key is not repeated: it may be anything."""
    name = f" (file {key})" if is_key(key) else ""
    return BlobLost(f"{what}{name} {how}; nothing is sent until a backup brings it back")


class Verified:
    """Holds files against their keys, each once as long as it is not touched."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int, int]] = {}

    def fits(self, key: str, path: Path) -> bool:
        """Has the file the checksum that the key promises? Raises FileNotFoundError."""
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if self._known.get(key) == stamp:
            return True
        match = _KEY.fullmatch(key)
        promised = match["sum"] if match else None
        if promised is not None and _checksum(path) != promised:
            return False
        self._known[key] = stamp
        return True


#: What this process has read and found whole.
VERIFIED = Verified()


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        number = int.from_bytes(hashlib.file_digest(file, "sha256").digest(), "big")
    letters = []
    for _ in range(52):
        number, rest = divmod(number, 32)
        letters.append(_LETTERS[rest])
    return "".join(letters)
