"""One run of the river over one day's CSV, in this process: prints what it did and how long each stage took."""

from __future__ import annotations

import json
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

from rollbook.pipeline.roster_run import roster_run
from rollbook.roster.lms import ACTIONS
from tests.bench.river import KeptWorld, csv_source, request, settings


def main(day: str, world: str, *, dry_run: bool) -> dict[str, Any]:
    folder = Path(world)
    kept = KeptWorld(folder)
    chosen = settings("memory", users={"passwords": "none"}, live={"compare": "never"})
    work = kept.memory.world(csv_source(Path(day), folder / "sis"), kept.target)
    result = roster_run(request(chosen, dry_run=dry_run), work, lambda name, task: _at(name, task()))
    if not dry_run:
        kept.keep()
    kept.tidy()
    shutil.rmtree(work.work)
    return {
        "state": result.state,
        "seconds": result.seconds,
        "read": {kind: numbers["read"] for kind, numbers in result.kinds.items()},
        "changes": {kind: sum(numbers[action] for action in ACTIONS) for kind, numbers in result.kinds.items()},
        "held": sum(numbers["held"] for numbers in result.kinds.values()),
        "ledger_version": result.ledger_version,
        "peak_after_mib": _peaks,
    }


_peaks: dict[str, int] = {}


def _at(name: str, done: Any) -> Any:
    """The highest memory so far when a stage ends tells which stage needs it."""
    _peaks[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return done


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
