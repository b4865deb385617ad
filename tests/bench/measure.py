"""Runs a piece of work in a fresh process and tells its wall time, CPU time and peak memory. Judges nothing."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
_EVERY = 0.05  # seconds between two looks at the memory
_FAMILY_EVERY = 10  # looks between two searches for new child processes


@dataclass(frozen=True)
class Watched:
    """`wall` and `cpu` (user and system) in seconds, `peak` in MiB: the resident memory of the process and its
    children, summed, at its highest. `answer` is the JSON that the work printed."""

    wall: float
    cpu: float
    peak: float
    answer: dict[str, Any]

    def row(self) -> dict[str, float]:
        return {"wall_s": round(self.wall, 2), "cpu_s": round(self.cpu, 2), "peak_mib": round(self.peak)}


def watch(module: str, **arguments: Any) -> Watched:
    """`python -m tests.bench.<module>` with the arguments as JSON. Raises CalledProcessError."""
    return watch_command([sys.executable, "-m", f"tests.bench.{module}", json.dumps(arguments)])


def watch_command(command: list[str]) -> Watched:
    """Any command that prints one JSON document."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    memory = _Memory(process.pid)
    memory.start()
    assert process.stdout is not None
    said = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    memory.end()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command[:3], said)
    # Linux counts ru_maxrss in KiB; it is that of the largest process alone, and catches what fell between two looks.
    peak = max(memory.peak / 2**20, usage.ru_maxrss / 1024)
    return Watched(wall, usage.ru_utime + usage.ru_stime, peak, json.loads(said))


class _Memory(threading.Thread):
    """Looks at a process tree 20 times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._root = psutil.Process(pid)
        self._over = threading.Event()

    def run(self) -> None:
        family: list[psutil.Process] = []
        looks = 0
        while not self._over.wait(_EVERY):
            try:
                if looks % _FAMILY_EVERY == 0:
                    family = [self._root, *self._root.children(recursive=True)]
                looks += 1
            except psutil.Error:
                return
            self.peak = max(self.peak, sum(_resident(each) for each in family))

    def end(self) -> None:
        self._over.set()
        self.join()


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


@contextmanager
def serving(**arguments: Any) -> Iterator[str]:
    """A practice system in a process of its own (see `serve`); yields its address."""
    command = [sys.executable, "-m", "tests.bench.serve", json.dumps(arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def interleaved(times: int, *works: Callable[[], Watched]) -> list[list[Watched]]:
    """All works in turn, so many times over: what disturbs the machine for a while disturbs all of them."""
    rounds = [[work() for work in works] for _ in range(times)]
    return [list(each) for each in zip(*rounds, strict=True)]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def about(words: str | None) -> str:
    """What a bench's docstring says after its first line, in one line."""
    return (words or "").partition("\n\n")[2].strip().replace("\n", " ")


def figure(
    name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> dict[str, Any]:
    """One figure; with a target also whether it is met."""
    found: dict[str, Any] = {"name": name, "value": round(value, 4), "unit": unit}
    if at_most is not None:
        found |= {"at_most": at_most, "met": value <= at_most}
    if at_least is not None:
        found |= {"at_least": at_least, "met": value >= at_least}
    return found
