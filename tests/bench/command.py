"""`script/bench [NAME …] [--students N]`: runs benches one after the other and writes down what they found."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.bench import figures
from tests.bench.machine import facts, today

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tests/bench/results.json"
FIGURES = ROOT / "docs/reference/figures.md"
#: In the order in which they run; each is a module with `run(students, work)`.
BENCHES = (
    "calls",
    "again",
    "pull",
    "demo",
    "credits",
    "plan",
    "durability",
    "laws",
    "faults",
    "reliability",
    "queue",
    "viewers",
    "viewers_apart",
    "pages",
    "grades",
    "grades_many",
    "grades_term",
    "moodle",
    "moodle_batches",
)


def main(arguments: list[str] | None = None) -> int:
    asked = _parse(arguments)
    work = asked.work or ROOT / "bench-work"
    quick = asked.students is not None
    place = asked.out or (work / "results.json" if quick else RESULTS)
    for name in asked.names or BENCHES:
        print(f"{name} …", file=sys.stderr, flush=True)
        found = _run(name, asked.students, work / name, keep=asked.keep)
        results = _merge(place, name, found)
        _write(place, results)
        if place == RESULTS:
            FIGURES.write_text(figures.page(results), encoding="utf-8")
        print(figures.section(name, found), file=sys.stderr, flush=True)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHES, []], help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--students", type=int, help="a smaller district, for a quick look; changes no stored figure")
    parser.add_argument("--work", type=Path, help="scratch folder (bench-work in the checkout)")
    parser.add_argument("--out", type=Path, help="where the JSON goes instead")
    parser.add_argument("--keep", action="store_true", help="leave the scratch folders")
    return parser.parse_args(arguments)


def _run(name: str, students: int | None, work: Path, *, keep: bool) -> dict[str, Any]:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    load = round(os.getloadavg()[0], 2)
    try:
        found: dict[str, Any] = importlib.import_module(f"tests.bench.{name}").run(students, work)
    finally:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)
    return {"date": today(), "load_before": load, **found}


def _merge(place: Path, name: str, found: dict[str, Any]) -> dict[str, Any]:
    """Figures of different machines are never mixed."""
    machine = facts()
    before = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    benches = before.get("benches", {}) if before.get("machine") == machine else {}
    benches = {**benches, name: found}
    return {"machine": machine, "benches": {each: benches[each] for each in BENCHES if each in benches}}


def _write(place: Path, results: dict[str, Any]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
