"""What an undo would take back and what would stay, told before anything is asked for. Plans nothing, sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollbook.core import undo
from rollbook.core.duck import connect
from rollbook.core.outcomes import load_plan
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.models import Run
from rollbook.store.outcome_spans import load_spans, spans
from rollbook.store.runs import stored_plan


@dataclass(frozen=True)
class Outlook:
    """`done`: what the part of the run did, by kind and action. `stays`: in words, what an undo cannot take back. What
    has moved on since is only known when the undo is planned."""

    done: Mapping[str, Mapping[str, int]]
    stays: Mapping[str, int]


def undo_outlook(folder: DataFolder, run: Run, part: Mapping[str, Sequence[str]]) -> Outlook:
    """For a part of a run as `actions.runs.undoable` has it. Raises BlobLost when its plan is gone."""
    plan = stored_plan(run)
    assert plan is not None
    found = spans(run, plan.digest)
    with connect() as db:
        load_plan(db, plan, open_blobs(folder))
        load_spans(db, found)
        done = undo.done(db, plan, undo.Wanted(**part), found)
    return Outlook(done, undo.stays(done))
