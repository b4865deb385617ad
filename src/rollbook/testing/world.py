"""A world for the river without any database: every promise of `core.protocols` kept in memory. For tests and authors.

A `MemoryWorld` outlives runs, as an organization's stored state does; `run` starts one against any source and target.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rollbook.connectors.base import Cancel, Source, Target
from rollbook.core.pins import merged
from rollbook.core.protocols import Attempt, Decision, Journal, LedgerVersion, Permit, Pin, PinPlace, Progress, Refusal
from rollbook.core.stored import RunResult
from rollbook.errors import BlobLost, StalePlan
from rollbook.pipeline.roster_run import Request, World, roster_run
from rollbook.roster.changes import Outcome
from rollbook.roster.lms import KINDS
from rollbook.roster.settings import Settings


class NeverCancelled:
    """Work that nobody stops."""

    def check(self) -> None:
        return None

    def wait(self, seconds: float) -> None:
        return None


class FolderBlobs:
    """Blobs as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._next = 0
        self._sums: dict[str, str] = {}

    def put(self, path: Path) -> str:
        self._next += 1
        key = f"{self._next:05}{path.suffix}"
        self._sums[key] = _sum(path)
        shutil.move(path, self._folder / key)
        return key

    def get(self, key: str, what: str = "a stored file", /) -> Path:
        path = self._folder / key
        if not key or "/" in key or not path.is_file():
            raise BlobLost(f"{what} is missing")
        found = _sum(path)
        if self._sums.setdefault(key, found) != found:
            raise BlobLost(f"{what} is damaged")
        return path


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class MemoryLedger:
    def __init__(self) -> None:
        self.version = LedgerVersion(0, {})

    def current(self) -> LedgerVersion:
        return self.version

    def advance(self, base: int, files: Mapping[str, str]) -> LedgerVersion:
        if base != self.version.number:
            raise StalePlan("the ledger has moved on")
        self.version = LedgerVersion(base + 1, {**self.version.files, **files})
        return self.version

    def advanced(self) -> bool:
        return False  # runs in memory have one attempt


class MemoryJournal:
    def __init__(self) -> None:
        self.intents: dict[int, tuple[int, int]] = {}
        self.outcomes: dict[int, list[Outcome]] = {}

    def intend(self, number: int, first_seq: int, last_seq: int) -> None:
        self.intents.setdefault(number, (first_seq, last_seq))

    def record(self, number: int, outcomes: Sequence[Outcome]) -> None:
        self.outcomes.setdefault(number, list(outcomes))

    def done(self) -> frozenset[int]:
        return frozenset(self.outcomes)

    def attempts(self) -> Iterator[Attempt]:
        for number, (first, last) in sorted(self.intents.items()):
            yield Attempt(number, first, last, self.outcomes.get(number))


class MemoryPasswords:
    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    def for_users(self, keys: Sequence[str]) -> Mapping[str, str]:
        for key in keys:
            self.given.setdefault(key, f"Initial-password-{len(self.given):04}")
        return {key: self.given[key] for key in keys}


class MemoryPermits:
    def __init__(self) -> None:
        self.permits: list[Permit] = []

    def valid(self) -> Sequence[Permit]:
        return [p for p in self.permits if p.until is None or p.until > datetime.now(UTC)]


class MemoryMemory:
    def __init__(self) -> None:
        self.stored: dict[str, object] = {}
        self.refused: dict[str, list[Refusal]] = {}
        self.counted = ""

    def refusals(self) -> Iterable[Refusal]:
        return [refusal for refusals in self.refused.values() for refusal in refusals]

    def replace_refusals(self, kinds: Sequence[str], refusals: Iterable[Refusal], *, run: str = "") -> None:
        if run and self.counted == run:
            return
        self.counted = run
        fresh = list(refusals)
        for kind in kinds:
            self.refused[kind] = [refusal for refusal in fresh if refusal.kind == kind]

    def facts(self) -> Mapping[str, object]:
        return dict(self.stored)

    def remember(self, facts: Mapping[str, object]) -> None:
        for name, value in json.loads(json.dumps(facts)).items():
            if value is None:
                self.stored.pop(name, None)
            else:
                self.stored[name] = value


class MemoryPins:
    """With `run`, what this run has set free is not pinned again, when it settles once more after a death."""

    def __init__(self) -> None:
        self.pins: dict[PinPlace, tuple[Pin, datetime]] = {}
        self.run: int | None = None
        self._freed: dict[PinPlace, int] = {}

    def active(self, now: datetime) -> Sequence[Pin]:
        return [pin for pin, until in self.pins.values() if until > now]

    def keep(self, pins: Iterable[Pin], until: datetime) -> None:
        fresh = [pin for pin in pins if self.run is None or self._freed.get(pin.place) != self.run]
        kept, over = merged(fresh, {place: pin for place, (pin, _) in self.pins.items()})
        self.end(over)
        self._freed |= dict.fromkeys(over, self.run or 0)
        self.pins |= {pin.place: (pin, until) for pin in kept}

    def end(self, places: Iterable[PinPlace]) -> None:
        for place in places:
            self.pins.pop(place, None)


@dataclass
class MemoryWorld:
    """Everything an organization remembers between runs. `folder` is filled; a test gives a temporary one."""

    folder: Path
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    passwords: MemoryPasswords = field(default_factory=MemoryPasswords)
    permits: MemoryPermits = field(default_factory=MemoryPermits)
    memory: MemoryMemory = field(default_factory=MemoryMemory)
    pins: MemoryPins = field(default_factory=MemoryPins)
    journals: dict[tuple[int, str], MemoryJournal] = field(default_factory=dict)
    runs: int = 0
    cancel: Cancel = field(default_factory=NeverCancelled)
    wrap: Callable[[Journal], Journal] | None = None
    decisions: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blobs = FolderBlobs(self.folder / "blobs")

    def journal(self, run: int, digest: str) -> Journal:
        """The journal of a plan in a run; runs do not share theirs, even when their plans are alike."""
        journal: Journal = self.journals.setdefault((run, digest), MemoryJournal())
        return self.wrap(journal) if self.wrap else journal

    def world(self, source: Source | None, target: Target, *, journal_of: int | None = None) -> World:
        """The world of one run. `journal_of` is the number of an earlier run that is finished, resumed or undone."""
        self.runs += 1
        return World(
            source=source,
            target=target,
            blobs=self.blobs,
            ledger=self.ledger,
            journal=partial(self.journal, journal_of or self.runs),
            passwords=self.passwords,
            permits=self.permits,
            memory=self.memory,
            pins=self.pins,
            cancel=self.cancel,
            progress=Progress(),
            work=self.folder / f"run-{self.runs:03}",
            decisions=lambda: self.decisions,
        )

    def run(self, source: Source, target: Target, settings: Settings, **request: Any) -> RunResult:
        """One roster run; `request` may give kinds, schools, dry_run, now, compare_live …"""
        asked: dict[str, Any] = {"kinds": tuple(KINDS), "now": datetime(2026, 11, 23, 12, tzinfo=UTC)} | request
        full = Request(run_id=f"run-{self.runs}", settings=settings, settings_digest="settings", **asked)
        return roster_run(full, self.world(source, target), lambda name, work: work())
