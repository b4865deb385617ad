"""What is heavy happens one at a time in a process; what only waits for the LMS happens side by side."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from rollbook.actions.actors import OPERATOR
from rollbook.actions.runs import Wanted, request_run, request_undo
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.base import Cancel
from rollbook.connectors.memory.space import forget, space
from rollbook.core.apply import Applier
from rollbook.engine.pool import Pool
from rollbook.engine.slots import HeavySlot
from rollbook.errors import RunCancelled
from rollbook.pipeline import roster_run as river
from rollbook.store.folder import DataFolder
from rollbook.store.models import Run
from rollbook.testing.world import NeverCancelled
from tests.cli.kit import SETTINGS, open_store
from tests.districts import small
from tests.staged import quick_runs

#: Longer than a run needs from its start to the slot.
_PATIENCE = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    with open_store(tmp_path / "data") as found, quick_runs():
        yield found


@pytest.fixture
def organizations(folder: DataFolder, tmp_path: Path) -> Iterator[Callable[[int], list[str]]]:
    """Makes so many organizations, each with the same small district and an empty LMS; gives their names."""
    spaces: list[str] = []

    def make(number: int) -> list[str]:
        slugs = [f"town{count:02d}" for count in range(number)]
        for slug in slugs:
            spaces.append(uuid.uuid4().hex)
            space(spaces[-1]).rows.update(small().rows)
            text = SETTINGS.replace("SPACE", spaces[-1]).replace("slug: maple", f"slug: {slug}")
            import_settings(text, name=slug, around=Surroundings({}, tmp_path), by=OPERATOR)
        return slugs

    yield make
    for name in spaces:
        forget(name)


def work(folder: DataFolder, runs: list[Run]) -> list[Run]:
    """Work the queue until these runs have ended."""
    wanted = [run.pk for run in runs]
    with Pool(folder, alone=True) as pool:
        pool.work_until(lambda: all(run.ended for run in Run.objects.filter(pk__in=wanted)))
    return list(Run.objects.filter(pk__in=wanted))


class Room:
    """Counts who is inside; whoever comes in stays for `patience` seconds, or until a second one is there."""

    def __init__(self, patience: float) -> None:
        self.most, self._inside, self._patience = 0, 0, patience
        self.entered: list[str] = []
        self._news = threading.Condition()

    def watch(self, patch: pytest.MonkeyPatch, place: Any, name: str) -> None:
        """Put this room around a function."""
        real = getattr(place, name)

        def inside(*given: Any, **more: Any) -> Any:
            with self._news:
                self.entered.append(name)
                self._inside += 1
                self.most = max(self.most, self._inside)
                self._news.notify_all()
                self._news.wait_for(lambda: self.most > 1, timeout=self._patience)
            try:
                return real(*given, **more)
            finally:
                with self._news:
                    self._inside -= 1

        patch.setattr(place, name, inside)


@pytest.mark.parametrize("locked", [True, False], ids=["as it is", "without the lock"])
@pytest.mark.parametrize("heavy", ["plan", "undo", "settle"])
def test_one_heavy_stage_at_a_time(
    folder: DataFolder,
    organizations: Callable[[int], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    heavy: str,
    locked: bool,
) -> None:
    """Three runs at once in one process. The same watch sees two at a time once the lock is taken away."""
    slugs = organizations(3)
    runs = [request_run(org=slug, wanted=Wanted(), by=OPERATOR) for slug in slugs]
    if heavy == "undo":
        work(folder, runs)
        runs = [request_undo(run_id=run.pk, by=OPERATOR) for run in runs]
    if not locked:
        monkeypatch.setattr(HeavySlot, "held", _unlocked)
    room = Room(patience=0.3 if locked else _PATIENCE)
    place, name = {
        "plan": (river._River, "_plan_heavily"),
        "undo": (river, "plan_undo"),
        "settle": (river._River, "_settle"),
    }[heavy]
    room.watch(monkeypatch, place, name)
    if heavy != "settle":
        room.watch(monkeypatch, river._River, "_settle")
    ended = work(folder, runs)
    assert {run.state for run in ended} <= {"done", "held"}
    assert room.entered.count(name) == 3
    assert (room.most == 1) is locked


def _unlocked(slot: HeavySlot, cancel: Cancel) -> AbstractContextManager[None]:
    return nullcontext()


@pytest.mark.usefixtures("database")
def test_many_runs_apply_at_once_while_another_one_plans(
    folder: DataFolder, organizations: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve first calls and one plan wait for each other: only when all are under way at one moment does any go on."""
    *slugs, last = organizations(13)
    met = threading.Barrier(13, timeout=60)
    begun: set[int] = set()
    planned, sent = river._River._plan_heavily, Applier._slice

    def slow(applier: Applier, *given: Any) -> Any:
        if threading.get_ident() not in begun and len(begun) < 12:
            begun.add(threading.get_ident())
            met.wait()
        return sent(applier, *given)

    def plan(part: river._River, *given: Any) -> None:
        if part.request.settings.organization.slug == last:
            met.wait()
        planned(part, *given)

    monkeypatch.setattr(Applier, "_slice", slow)
    monkeypatch.setattr(river._River, "_plan_heavily", plan)
    runs = [request_run(org=slug, wanted=Wanted(), by=OPERATOR) for slug in (*slugs, last)]
    ended = work(folder, runs)
    assert not met.broken
    assert len(begun) == 12
    assert [run.state for run in ended] == ["done"] * 13


def test_whoever_waits_for_the_slot_can_be_cancelled() -> None:
    class Cancelled(NeverCancelled):
        def check(self) -> None:
            raise RunCancelled("the run was cancelled")

    slot = HeavySlot()
    with slot.held(NeverCancelled()):
        assert slot.waiting == 1
        with pytest.raises(RunCancelled), slot.held(Cancelled()):
            raise AssertionError("two inside")
        assert slot.waiting == 1
    assert slot.waiting == 0
