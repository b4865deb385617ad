"""How long one call may take in all: connecting, every redirect, sending and reading. Sends nothing itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Stream(Protocol):
    """What a connection pool hands out."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes: ...

    def write(self, buffer: bytes, timeout: float | None = None) -> None: ...


class Allowance:
    """So many seconds from the first time somebody asks; None: without end."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def left(self) -> float | None:
        """Seconds that are left, 0 when it is used up, None without end."""
        if self._seconds is None:
            return None
        now = time.monotonic()
        self._until = now + self._seconds if self._until is None else self._until
        return max(0.0, self._until - now)

    def at_most(self, seconds: float | None) -> float | None:
        """The shorter of both."""
        left = self.left()
        return seconds if left is None else left if seconds is None else min(left, seconds)


#: A call without end.
ENDLESS = Allowance()
#: What is written at once: a reader that takes less at a time is too slow anyway.
_PIECE = 16 * 1024


class Allowances:
    """The allowance of each thread's call under way, and streams that keep to it. A time-out of a socket begins anew
    with every byte, so each single wait is cut down to what is left. `late` makes the error for a call whose
    allowance is used up."""

    def __init__(self, late: Callable[[], Exception]) -> None:
        self._late = late
        self._here = threading.local()

    @contextmanager
    def given(self, allowance: Allowance) -> Iterator[None]:
        """The call that this thread makes inside is bound by it."""
        self._here.now = allowance
        try:
            yield
        finally:
            del self._here.now

    def check(self) -> None:
        """Raises when this thread's call has used up its allowance."""
        self._cut(None)

    def bind(self, stream: Stream) -> None:
        """From now on this stream keeps to the allowance of whoever uses it: a pool hands streams on."""
        read, write = stream.read, stream.write

        def bounded_read(max_bytes: int, timeout: float | None = None) -> bytes:
            return read(max_bytes, timeout=self._cut(timeout))

        def bounded_write(buffer: bytes, timeout: float | None = None) -> None:
            for start in range(0, len(buffer), _PIECE):
                write(buffer[start : start + _PIECE], timeout=self._cut(timeout))

        replaced: dict[str, Any] = {"read": bounded_read, "write": bounded_write}
        for name, function in replaced.items():
            setattr(stream, name, function)

    def _cut(self, timeout: float | None) -> float | None:
        allowance: Allowance = getattr(self._here, "now", ENDLESS)
        seconds = allowance.at_most(timeout)
        if seconds is not None and seconds <= 0.0:
            raise self._late()
        return seconds
