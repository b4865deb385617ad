"""Asks many things a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def side_by_side(ask: Callable[[str], T], names: Iterable[str], *, at_once: int) -> Iterator[T]:
    """Answers in order, so many calls at a time; the first trouble is raised and the rest is not asked."""
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="read")
    try:
        for name in names:
            waiting.append(pool.submit(ask, name))
            if len(waiting) >= 2 * at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
