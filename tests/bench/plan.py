"""`plan`: a district from CSV to a stored plan, against a bare baseline in the same run.

A first full load as a dry run; then day 1 is loaded for real; then in turn the baseline, a dry run of day 1 again
(nothing changed) and of day 2 (1 % changed), three times over; then day 2 for real, for its settle. Each in a fresh
process; times are those of the whole process, memory that of its tree. The baseline has the same DuckDB, threads and
memory limit: it loads both days' CSV, typed, into tables and full-joins all columns of each. The LMS is one that says
yes at once. The same with a tenth of the students tells how the time grows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rollbook.practice.district import generate
from tests.bench.measure import Watched, about, figure, interleaved, median, watch

STUDENTS = 1_000_000
TIMES = 3
PEAK_MIB = 1.2 * 1024
_NAMES = {"baseline": "bare baseline", "same": "nothing changed", "changed": "1 % changed"}


def run(students: int | None, work: Path) -> dict[str, Any]:
    large, times = students or STUDENTS, 1 if students else TIMES
    tenth = _district(max(1, large // 10), work / "tenth", times)
    whole = _district(large, work / "whole", times)
    figures = [*_figures(whole)]
    for name in ("same", "changed"):
        grown = whole["medians"][name]["wall_s"] / tenth["medians"][name]["wall_s"]
        figures.append(figure(f"{_NAMES[name]}: ten times the students, time ×", grown, "×", at_most=11))
    return {
        "students": large,
        "about": about(__doc__),
        "figures": figures,
        "details": {"whole": whole, "tenth": tenth},
    }


def _district(students: int, work: Path, times: int) -> dict[str, Any]:
    days = generate(work / "district", students=students, seed=1, days=2)
    world = str(work / "world")

    def river(day: Path, *, dry_run: bool) -> Watched:
        return watch("plan_child", day=str(day), world=world, dry_run=dry_run)

    first = river(days[0], dry_run=True)
    loaded = river(days[0], dry_run=False)
    runs = interleaved(
        times,
        lambda: watch("plan_baseline", days=[str(day) for day in days], scratch=str(work / "baseline.duckdb")),
        lambda: river(days[0], dry_run=True),
        lambda: river(days[1], dry_run=True),
    )
    real = river(days[1], dry_run=False)
    named = dict(zip(_NAMES, runs, strict=True))
    return {
        "students": students,
        "read": first.answer["read"],
        "medians": {name: _medians(each) for name, each in named.items()},
        "first_load": _stages(first),
        "runs": {name: [_stages(one) for one in each] for name, each in named.items()},
        "for_real": {"day 1": _stages(loaded), "day 2": _stages(real)},
    }


def _medians(runs: list[Watched]) -> dict[str, float]:
    rows = [one.row() for one in runs]
    return {name: median(row[name] for row in rows) for name in rows[0]}


def _stages(one: Watched) -> dict[str, Any]:
    kept = ("seconds", "changes", "held", "differences", "peak_after_mib")
    return {**one.row(), **{name: one.answer[name] for name in kept if name in one.answer}}


def _figures(found: dict[str, Any]) -> list[dict[str, Any]]:
    medians, base = found["medians"], found["medians"]["baseline"]
    figures = [
        figure("bare baseline: wall time", base["wall_s"], "s"),
        figure("bare baseline: CPU time", base["cpu_s"], "s"),
        figure("bare baseline: peak memory", base["peak_mib"], "MiB"),
    ]
    for name in ("same", "changed"):
        mine, words = medians[name], _NAMES[name]
        peak = max(one["peak_mib"] for one in found["runs"][name])
        figures += [
            figure(f"{words}: wall time", mine["wall_s"], "s"),
            figure(f"{words}: wall time against the baseline", mine["wall_s"] / base["wall_s"], "×", at_most=2),
            figure(f"{words}: CPU time", mine["cpu_s"], "s"),
            figure(f"{words}: CPU time against the baseline", mine["cpu_s"] / base["cpu_s"], "×"),
            figure(f"{words}: highest peak memory", peak, "MiB", at_most=PEAK_MIB),
        ]
    first, real = found["first_load"], found["for_real"]
    return [
        *figures,
        figure("first full load, to its plan: wall time", first["wall_s"], "s"),
        figure("first full load, to its plan: peak memory", first["peak_mib"], "MiB", at_most=PEAK_MIB),
        figure("settle of the first full load", real["day 1"]["seconds"]["settle"], "s"),
        figure("settle of 1 % changed", real["day 2"]["seconds"]["settle"], "s"),
    ]
