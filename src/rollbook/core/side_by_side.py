"""Does many small pieces of work a few at a time. Knows nothing of what they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Piece = TypeVar("Piece")
Made = TypeVar("Made")


def side_by_side(
    work: Callable[[Piece], Made],
    pieces: Sequence[Piece],
    pool: ThreadPoolExecutor,
    at_once: int,
    meanwhile: Callable[[], object] = object,
) -> list[Made]:
    """What `work` makes of each piece, in their order; begun in that order too. `work` must not raise. `meanwhile` is
    done once in this thread while the others are at work.

    As `pool.map`, for pieces that take less time than to hand one over to a thread and back: each of the pool's
    threads takes piece after piece by itself."""
    found: list[Any] = [None] * len(pieces)
    places = iter(range(len(pieces)))
    lock = threading.Lock()

    def take() -> None:
        while True:
            with lock:
                place = next(places, None)
            if place is None:
                return
            found[place] = work(pieces[place])

    at_work = [pool.submit(take) for _ in range(min(at_once, len(pieces)))]
    try:
        meanwhile()
    finally:
        for taking in at_work:
            taking.result()
    return found
