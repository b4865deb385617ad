"""Several threads may be the first to read a shape; the process lives on."""

from __future__ import annotations

import subprocess
import sys

# The inner struct's fields take a while to look up, so that every thread meets the outer one half known.
_FIRST_TOGETHER = """
import threading, time
import msgspec
from rollbook.roster.shapes import learned

def slow():
    time.sleep(0.1)
    return int

class Inner(msgspec.Struct):
    number: "slow()"

class Outer(msgspec.Struct):
    inner: Inner
    other: str = ""

start, found = threading.Barrier(4), []

def read():
    start.wait()
    found.append(msgspec.convert({"inner": {"number": 1}, "other": "x"}, SHAPE))

threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert found == [Outer(Inner(1), "x")] * 4, found
"""


def _together(shape: str) -> int:
    code = _FIRST_TOGETHER.replace("SHAPE", shape)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode


def test_threads_that_meet_a_shape_at_once() -> None:
    assert _together("learned(Outer)") == 0
