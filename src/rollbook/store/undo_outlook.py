"""What an undo would take back and what would stay, told before anything is asked for. Plans nothing, sends nothing.

What a run has done does not change once it has ended and is settled, so that it is kept in memory then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rollbook.core import undo
from rollbook.core.duck import parquet_reader
from rollbook.core.outcomes import load_plan
from rollbook.core.protocols import Blobs
from rollbook.core.stored import StoredPlan
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.kept import Kept
from rollbook.store.models import Run
from rollbook.store.outcome_spans import load_spans, spans
from rollbook.store.runs import stored_plan, stored_result

Done = Mapping[str, Mapping[str, int]]
_KEPT: Final[Kept[Done]] = Kept(256)


@dataclass(frozen=True)
class Outlook:
    """`done`: what the part of the run did, by kind and action. `stays`: in words, what an undo cannot take back. What
    has moved on since is only known when the undo is planned."""

    done: Done
    stays: Mapping[str, int]


def undo_outlook(folder: DataFolder, run: Run, part: Mapping[str, Sequence[str]]) -> Outlook:
    """For a part of a run as `actions.runs.undoable` has it. Raises BlobLost when its plan is gone."""
    plan, blobs = stored_plan(run), open_blobs(folder)
    assert plan is not None
    for kind, key in plan.files.items():
        blobs.get(key, f"the plan of {kind}")  # what is lost cannot be undone, even if it is known what it was
    places = tuple(part.get("schools") or part.get("sections") or ())
    wanted = undo.Wanted(kinds=tuple(part["kinds"]), schools=places, persons=tuple(part["persons"]))

    def find() -> Done:
        return _done(run, plan, blobs, wanted)

    over = run.ended and run.settled
    done = _KEPT.get((run.pk, plan.digest, run.outcomes.count(), wanted), find) if over else find()
    return Outlook(done, undo.stays(done, sis_deletes=_sis_deletes(run)))


def _sis_deletes(run: Run) -> bool:
    """Does the SIS take away what a run of grades made there? As was known when it was planned."""
    return all(stored_result(one).facts.get("sis_deletes", True) for one in (run, run.applies) if one is not None)


def _done(run: Run, plan: StoredPlan, blobs: Blobs, wanted: undo.Wanted) -> Done:
    found = spans(run, plan.digest)
    with parquet_reader() as db:
        if undo.needs_rows(plan, wanted):
            load_plan(db, plan, blobs, temporary=True)
            load_spans(db, found)
        return undo.done(db, plan, wanted, found)
