"""Entry of `script/bench`: puts the checkout's root on the path, so that the benches import each other by name."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    runpy.run_module("tests.bench.command", run_name="__main__")
