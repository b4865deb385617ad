"""`durability`: what it costs that nothing is lost.

The same plan of a district, all of it to be created in the memory LMS, sent in turn by the engine (queue, lease, heart
beat, intent and outcome of every slice in SQLite with full synchronization) and by the same code with nothing behind
it. Each in a fresh process, three times over; compared is the time of applying alone. Settling is reported apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench.measure import about, figure, interleaved, median, watch

STUDENTS = 100_000
TIMES = 3


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = students or STUDENTS
    prepared = watch("durability_child", what="prepare", work=str(work), students=number).answer
    bare, engine = interleaved(
        TIMES,
        lambda: watch("durability_child", what="bare", work=str(work)),
        lambda: watch("durability_child", what="engine", work=str(work)),
    )
    times = {name: [one.answer["apply"] for one in each] for name, each in (("bare", bare), ("engine", engine))}
    pairs = [mine / other for mine, other in zip(times["engine"], times["bare"], strict=True)]
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("changes of the plan", prepared["changes"], ""),
            figure("slices", engine[0].answer["slices"], ""),
            figure("applied with nothing behind it", median(times["bare"]), "s"),
            figure("applied by the engine", median(times["engine"]), "s"),
            figure("engine against nothing, median of the pairs", median(pairs), "×", at_most=1.15),
            figure("settled afterwards", median(one.answer["settle"] for one in engine), "s"),
        ],
        "details": {"times": times, "pairs": pairs, "engine": [one.row() for one in engine]},
    }
