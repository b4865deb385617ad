"""`rollbook` with a note of each step of its runs: when it came, and how much processor time the process had used.

Its first argument is the file for the notes; the others are those of `rollbook`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from rollbook.cli.main import main
from rollbook.core.protocols import Progress

#: Of each step: which run of this process it is of, the moment, processor seconds, stage, done, total, note.
_steps: list[tuple[Any, ...]] = []
_runs: dict[int, int] = {}
_kept: list[Progress] = []
_update = Progress.update


def _note(self: Progress, stage: str, done: int = 0, total: int | None = None, note: str = "") -> None:
    _update(self, stage, done, total, note)
    if id(self) not in _runs:
        _kept.append(self)  # so that no other gets its id
        _runs[id(self)] = len(_runs)
    _steps.append((_runs[id(self)], time.monotonic(), time.process_time(), stage, done, total, note))


if __name__ == "__main__":
    notes = Path(sys.argv.pop(1))
    Progress.update = _note  # type: ignore[method-assign] # of this process alone
    try:
        main()
    finally:
        notes.write_text(json.dumps(_steps), encoding="utf-8")
