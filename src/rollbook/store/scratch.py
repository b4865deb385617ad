"""Scratch folders on this machine. Those of runs are one a lease: a woken worker never shares one with its successor.
They hold personal data and go when their run has ended. Nothing in them is needed for good."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from rollbook.store.folder import DataFolder
from rollbook.store.lease import Lease
from rollbook.store.models import Run, RunState

_LOOKING: Final = "look-"
#: Nobody looks longer than that (seconds): what is older was left by a process that died.
_LOOKED_LONG_AGO: Final = 3600


def scratch_of(folder: DataFolder, lease: Lease, run: str | None = None) -> Path:
    """The lease's folder, or the place in it where it settles an earlier `run`. What an earlier attempt left on this
    machine is taken over: pages that were read are not read again. A woken worker never takes its successor's."""
    mine = folder.work / f"{lease.run}-{lease.epoch}"
    if not mine.exists():
        earlier = [each for each in _all_of(folder, lease.run) if _epoch(each) < lease.epoch]
        for older in sorted(earlier, key=_epoch, reverse=True):
            with suppress(OSError):  # another attempt was faster
                older.rename(mine)
                break
    mine.mkdir(mode=0o700, parents=True, exist_ok=True)
    if run in (None, lease.run):
        return mine
    (mine / "earlier").mkdir(mode=0o700, exist_ok=True)
    return mine / "earlier"


def drop_scratch(folder: DataFolder, run: str, epoch: int | None = None) -> None:
    """Delete what attempts of this run left here; with `epoch`, what this one left."""
    for found in _all_of(folder, run):
        if epoch is None or _epoch(found) == epoch:
            shutil.rmtree(found, ignore_errors=True)


def drop_ended(folder: DataFolder) -> None:
    """Delete what workers that died left of runs that have ended since."""
    found = list(folder.work.iterdir())
    if found:
        alive = set(Run.objects.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).values_list("pk", flat=True))
        for each in found:
            if _run(each) not in alive and not _is_looking(each):
                shutil.rmtree(each, ignore_errors=True)


@contextmanager
def looking_scratch(folder: DataFolder) -> Iterator[Path]:
    """A scratch folder for looking into a connection without a run; it goes at the end."""
    with tempfile.TemporaryDirectory(prefix=_LOOKING, dir=folder.work, ignore_cleanup_errors=True) as work:
        yield Path(work)


def _is_looking(scratch: Path) -> bool:
    try:
        return scratch.name.startswith(_LOOKING) and time.time() - scratch.stat().st_mtime < _LOOKED_LONG_AGO
    except OSError:
        return True  # it has gone in this moment


def _all_of(folder: DataFolder, run: str) -> list[Path]:
    return [each for each in folder.work.glob(f"{run}*") if _run(each) == run]


def _run(scratch: Path) -> str:
    """A run's id has one hyphen; the first release had the folder's name without an epoch."""
    return "-".join(scratch.name.split("-")[:2])


def _epoch(scratch: Path) -> int:
    last = scratch.name.split("-")[-1]
    return int(last) if scratch.name.count("-") == 2 and last.isdigit() else 0
