"""What a stage took: its time, and the memory of the process. Measures; decides nothing."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rollbook.core.stored import RunResult


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the time of a stage, in seconds."""
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[name] = round(seconds.get(name, 0.0) + time.perf_counter() - start, 6)


def peak_rss_mib() -> float:
    """Peak memory of this process so far, in MiB. Where Linux tells it, without what the parent process had when it
    started this one, which `ru_maxrss` counts as well."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)
    except (OSError, IndexError, ValueError):
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


@contextmanager
def accounted(result: RunResult, requests: Callable[[], dict[str, int]]) -> Iterator[None]:
    """Requests and memory are told however the work ends."""
    try:
        yield
    finally:
        result.requests = requests()
        result.peak_rss_mib = peak_rss_mib()
