"""`viewers_apart`: the same with the worker in a process of its own.

As `viewers`, but `rollbook web` and `rollbook worker` are two processes, and share PostgreSQL. The viewers then take
their time from the machine, not from the worker's process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench.measure import about
from tests.bench.viewers import measured
from tests.postgres import postgres


def run(students: int | None, work: Path) -> dict[str, Any]:
    with postgres() as server:
        return measured(students, work, server, about(__doc__))
