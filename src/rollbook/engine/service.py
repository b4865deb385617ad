"""A worker that stays: works the queue until it is told to stop, and does the chores of the clock beside it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import Error, connection
from filelock import FileLock, Timeout

from rollbook.engine.clock import boot_clock
from rollbook.engine.pool import MOST_RUNS, Pool
from rollbook.engine.trouble import silence
from rollbook.errors import Bug, RollbookError, known_name
from rollbook.store.folder import DataFolder

log = logging.getLogger(__name__)
_LOOK_EVERY = 0.5
_CHORE_ENDS = 10.0  # seconds; one that takes longer ends with the process


@dataclass(frozen=True)
class Chore:
    """Something to do every so many seconds, e.g. to queue what is due. Its trouble is logged, never raised."""

    name: str
    every: float
    work: Callable[[], object]


def serve_queue(
    folder: DataFolder,
    stop: threading.Event,
    *,
    alone: bool,
    chores: Sequence[Chore] = (),
    most: int = MOST_RUNS,
    on_ready: Callable[[str], None] = lambda words: None,
) -> None:
    """Work until `stop` is set; what is unfinished then goes to another worker, or waits for the next one. With
    `alone`, wait first for the lock of the data folder. `on_ready` gets a word for people."""
    with _only_one(folder, stop, on_ready) if alone else _nothing():
        if stop.is_set():
            return
        with Pool(folder, alone=alone, most=most) as pool, _doing(chores, stop):
            on_ready("working the queue")
            pool.work_until(stop.is_set)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _only_one(folder: DataFolder, stop: threading.Event, on_ready: Callable[[str], None]) -> Iterator[None]:
    lock = FileLock(folder.worker_lock, timeout=0, thread_local=False)
    told = False
    while not stop.is_set():
        try:
            lock.acquire()
            break
        except Timeout:
            if not told:
                on_ready("waiting: another process works this data folder")
                told = True
            stop.wait(_LOOK_EVERY)
    try:
        yield
    except Exception:
        lock.release()
        raise
    lock.release()  # not after a second Ctrl-C: a thread may still work while the process ends


@contextmanager
def _doing(chores: Sequence[Chore], stop: threading.Event) -> Iterator[None]:
    """A thread for each: a mail server that does not answer must not keep the clock from queueing."""
    over = threading.Event()

    def work(chore: Chore) -> None:
        due = 0.0
        while not (over.is_set() or stop.is_set()):
            if boot_clock() >= due:
                due = boot_clock() + chore.every
                _do(chore)
            over.wait(_LOOK_EVERY)
        connection.close()

    threads = [threading.Thread(target=work, args=(one,), name=f"chore {one.name}", daemon=True) for one in chores]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_CHORE_ENDS)


def _do(chore: Chore) -> None:
    try:
        chore.work()
    except Error as error:  # a chore that fails is tried again; the queue goes on
        log.warning("chore %s: %s", chore.name, silence(error))
        connection.close()
    except Exception as error:  # tried again as well
        if isinstance(error, RollbookError) and not isinstance(error, Bug):
            log.warning("chore %s: %s: %s", chore.name, known_name(error), error)
        else:
            log.error("chore %s met an error that nobody foresaw", chore.name, exc_info=True)
        connection.close()
