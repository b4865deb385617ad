"""A process dies at any call of the undo of a grade run, and of the undo of that undo: whoever goes on with it comes to
the same end, and of what was sent at most one slice is sent again (rule 28)."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from rollbook.core.duck import parquet_reader
from tests.gradebooks import School, Stage
from tests.integration.test_grades_killed import Killed, term

SLICE: Final = 7
#: After these the world is as before them: a death there is one after the call before.
READS: Final = ("get", "read", "attempts", "current", "currents", "advanced", "valid", "refusals", "active")


class Reaper:
    """Counts calls, and kills after one of them."""

    def __init__(self, after: int | None = None) -> None:
        self.calls = 0
        self.names: list[str] = []
        self._after = after

    def called(self, name: str) -> None:
        self.calls += 1
        self.names.append(name)
        if self.calls - 1 == self._after:
            raise Killed


class Mortal:
    """Something whose calls a reaper counts; what a call did has happened when it kills."""

    def __init__(self, real: Any, reaper: Reaper) -> None:
        vars(self).update(_real=real, _reaper=reaper)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not callable(found):
            return found

        def call(*given: Any, **more: Any) -> Any:
            answer = found(*given, **more)
            self._reaper.called(f"{type(self._real).__name__}.{name}")
            return answer

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)


def _end(stage: Stage) -> Any:
    """What the SIS holds, what each section's ledger says, and what is pinned."""
    world = stage.school.world
    with parquet_reader() as db:
        ledgers = {
            code: (one.number, sorted(map(repr, db.read_parquet(str(world.blobs.get(one.blob))).fetchall())))
            for code, one in world.ledgers.versions.items()
        }
    return copy.deepcopy((stage.school.sis.records, ledgers, world.pins.pins))


def _sent(school: School) -> Counter[tuple[str, str, str]]:
    return Counter((batch.kind, batch.action, one.key) for batch in school.sink.batches for one in batch.changes)


def _mortal(stage: Stage, reaper: Reaper) -> None:
    school, world = stage.school, stage.school.world
    journal = world.journal
    vars(world).update({name: Mortal(real, reaper) for name, real in stage.reals.items()})
    vars(world)["journal"] = lambda run, digest: Mortal(journal(run, digest), reaper)
    school.sink = Mortal(school.sink, reaper)  # type: ignore[assignment]


def _live_on(stage: Stage) -> None:
    school, world = stage.school, stage.school.world
    vars(world).update(stage.reals)
    vars(world).pop("journal", None)
    school.sink = vars(school.sink)["_real"]


def _dies_everywhere(stage: Stage, of: int) -> None:
    school = stage.again()
    assert school.undo(of).state == "done"
    quiet, wanted = _end(stage), _sent(school)
    assert wanted, "there is something to undo"
    reaper = Reaper()
    stage.again()
    _mortal(stage, reaper)
    school.undo(of)
    _live_on(stage)
    assert _end(stage) == quiet
    seen = {name.split(".")[0] for name in reaper.names}
    assert {"Watched", "MemoryJournal", "MemoryGradeLedgers", "MemoryPins", "MemoryGradeNotes"} <= seen
    for number, name in enumerate(reaper.names):
        if name.split(".")[1] in READS and number:
            continue
        stage.again()
        _mortal(stage, Reaper(number))
        with pytest.raises(Killed):
            school.undo(of)
        _live_on(stage)
        before = _sent(school)
        result = school.undo(of, again=True) if school.last is None else school.resume()
        where = f"after call {number}, {name}"
        assert result.state == "done", where
        assert _end(stage) == quiet, where
        both = before + _sent(school)
        assert both.keys() == wanted.keys(), where
        assert (both - wanted).total() <= SLICE, where


@pytest.mark.rule(28)
@pytest.mark.parametrize("undo_of_undo", [False, True], ids=["undo", "undo of the undo"])
def test_killed_at_any_call(tmp_path: Path, undo_of_undo: bool) -> None:
    """Of a run that made, changed and took away items and grades; the second in a SIS that makes ids of its own."""
    school = term(tmp_path, makes_ids=undo_of_undo)
    school.sync()
    of = school.world.runs
    if undo_of_undo:
        assert school.undo(of).state == "done"
        of += 1
    _dies_everywhere(Stage(school), of)
