"""A world for the river of grades without any database: ledgers, notes and journals in memory, for tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rollbook.connectors.base import Cancel
from rollbook.connectors.gradebook import GradeSink, GradeSource
from rollbook.core.protocols import Journal, Progress
from rollbook.core.stored import RunResult
from rollbook.errors import StalePlan
from rollbook.passback.grade_run import grade_run
from rollbook.passback.grade_types import (
    GradeLedgerVersion,
    GradeRequest,
    GradeWorld,
    ItemCount,
    ItemOutcome,
    SectionNote,
    SectionWish,
)
from rollbook.roster.settings import Settings
from rollbook.testing.world import FolderBlobs, MemoryJournal, MemoryMemory, MemoryPermits, MemoryPins, NeverCancelled


class MemoryGradeLedgers:
    """The current version of each section's ledger, and which run made it."""

    def __init__(self) -> None:
        self.versions: dict[str, GradeLedgerVersion] = {}
        self.made_by: dict[str, int] = {}
        self.run = 0

    def current(self, section: str) -> GradeLedgerVersion:
        return self.versions.get(section, GradeLedgerVersion())

    def advance(self, section: str, base: int, blob: str) -> None:
        if self.current(section).number != base:
            raise StalePlan("the grade ledger has moved on")
        self.versions[section] = GradeLedgerVersion(base + 1, blob)
        self.made_by[section] = self.run

    def currents(self, sections: Collection[str]) -> Mapping[str, GradeLedgerVersion]:
        return {section: self.current(section) for section in sections}

    def advanced(self, sections: Collection[str]) -> frozenset[str]:
        return frozenset(section for section in sections if self.made_by.get(section) == self.run)


class MemoryGradeNotes:
    """The last note of each section and item."""

    def __init__(self) -> None:
        self.sections: dict[str, SectionNote] = {}
        self.counts: dict[str, ItemCount] = {}
        self.outcomes: dict[str, ItemOutcome] = {}

    def seen(self, section: str, note: SectionNote) -> None:
        self.sections[section] = note

    def counted(self, counts: Iterable[ItemCount]) -> None:
        self.counts = {one.key: one for one in counts}

    def settled(self, section: str, outcomes: Sequence[ItemOutcome], at: datetime, *, undone: bool = False) -> None:
        self.outcomes |= {one.key: one for one in outcomes}


@dataclass
class MemoryGradeWorld:
    """Everything an organization remembers of grades between runs. `folder` is filled; a test gives a temporary one."""

    folder: Path
    ledgers: MemoryGradeLedgers = field(default_factory=MemoryGradeLedgers)
    notes: MemoryGradeNotes = field(default_factory=MemoryGradeNotes)
    permits: MemoryPermits = field(default_factory=MemoryPermits)
    memory: MemoryMemory = field(default_factory=MemoryMemory)
    pins: MemoryPins = field(default_factory=MemoryPins)
    journals: dict[tuple[int, str], MemoryJournal] = field(default_factory=dict)
    cancel: Cancel = field(default_factory=NeverCancelled)
    runs: int = 0

    def __post_init__(self) -> None:
        self.blobs = FolderBlobs(self.folder / "blobs")

    def journal(self, run: int, digest: str) -> Journal:
        """The journal of a plan in a run; runs do not share theirs, even when their plans are alike."""
        return self.journals.setdefault((run, digest), MemoryJournal())

    def world(self, source: GradeSource | None, sink: GradeSink, *, again: bool = False) -> GradeWorld:
        """The world of the next run, or `again` of the last one, whose process died."""
        self.runs += not again
        self.ledgers.run = self.pins.run = self.runs
        return GradeWorld(
            source=source,
            sink=sink,
            blobs=self.blobs,
            ledgers=self.ledgers,
            notes=self.notes,
            journal=partial(self.journal, self.runs),
            permits=self.permits,
            memory=self.memory,
            pins=self.pins,
            cancel=self.cancel,
            progress=Progress(),
            work=self.folder / f"run-{self.runs:03}",
        )

    def request(self, settings: Settings, *sections: SectionWish, **more: Any) -> GradeRequest:
        """What a run is asked; `more` may give dry_run, now, periods …"""
        asked: dict[str, Any] = {"now": datetime(2026, 11, 23, 12, tzinfo=UTC), "settings_digest": "settings"} | more
        return GradeRequest(run_id=f"run-{self.runs + 1}", settings=settings, sections=sections, **asked)

    def run(
        self, source: GradeSource, sink: GradeSink, settings: Settings, *sections: SectionWish, **more: Any
    ) -> RunResult:
        """One grade run of these sections."""
        return grade_run(self.request(settings, *sections, **more), self.world(source, sink))
