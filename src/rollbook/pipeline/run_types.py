"""What a run is asked and what it works with. Plain types; the order of stages is in `roster_run.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from rollbook.connectors.base import Cancel, Source, Target
from rollbook.core.protocols import Blobs, Decision, Journal, Ledger, Memory, Passwords, Permits, Pin, Pins, Progress
from rollbook.roster.settings import Settings


class Step(Protocol):
    """Runs one named stage; an engine may checkpoint its result or repeat it after a crash."""

    def __call__(self, name: str, work: Callable[[], Any], /) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for. `kinds` are LMS kinds (RUN_KINDS), `schools` org sourcedIds (empty = all) that filter the
    plan (rule 6), `persons` unique ids that
    filter an undo. `dry_run` stops after the plan. `compare_live` forces a comparison with the live LMS. `now` is the
    moment the run counts as, with time zone."""

    run_id: str
    settings: Settings
    settings_digest: str
    kinds: Sequence[str]
    now: datetime
    schools: Sequence[str] = ()
    persons: Sequence[str] = ()
    dry_run: bool = False
    compare_live: bool = False
    retry_refused: bool = False

    @property
    def today(self) -> date:
        """The organization's day (rule 19)."""
        return self.now.astimezone(ZoneInfo(self.settings.organization.timezone)).date()

    def with_end_dates(self, source: Source) -> Request:
        """Where the organization says nothing, its SIS's way of counting end dates holds (rule 19)."""
        enrollments = self.settings.enrollments
        if enrollments.end_dates is not None:
            return self
        meant = getattr(source, "end_dates", "inclusive")
        enrollments = msgspec.structs.replace(enrollments, end_dates=meant)
        return replace(self, settings=msgspec.structs.replace(self.settings, enrollments=enrollments))


@dataclass(frozen=True, kw_only=True)
class World:
    """What a run works with. `journal` makes the journal of a plan by its digest. `work` is the run's scratch folder.
    `requests` tells how many calls were attempted so far, by "sis" and "lms". `late` is how long, in seconds, the last
    call of a process that died may still be under way. `heavy` is held around what needs a big
    scratch database: one run at a time in a process. `decisions` tells what people decided in Data Prep."""

    target: Target
    blobs: Blobs
    ledger: Ledger
    journal: Callable[[str], Journal]
    passwords: Passwords
    permits: Permits
    memory: Memory
    pins: Pins
    cancel: Cancel
    progress: Progress
    work: Path
    source: Source | None = None
    requests: Callable[[], dict[str, int]] = dict
    heavy: Callable[[], AbstractContextManager[None]] = nullcontext
    late: float = 0.0
    decisions: Callable[[], Sequence[Decision]] = tuple


#: See `core.aside`.
SetAside = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a comparison may conclude. `complete`: every collection was read whole and is believed; `read_whole`: it
    was read whole, believed or not. `live`: kinds read from the LMS, `whole` those of them of which every object was
    read. `set_aside` is what earlier comparisons left alone. `doubted`: something is far smaller than it was; `shrunk`
    are (kind, school) pairs of which that is so. `gone_since` is since which day people have been gone, as earlier runs
    saw it, and `deactivates` whether the LMS can deactivate their accounts. `codes_proven` and `nowhere` as
    of the target's traits."""

    settings: Settings
    today: date
    year: int | None
    complete: bool
    kinds: Sequence[str]
    live: frozenset[str]
    whole: frozenset[str]
    set_aside: SetAside
    staff_roles: frozenset[str]
    read_whole: bool
    pins: Sequence[Pin] = ()
    doubted: bool = False
    shrunk: frozenset[tuple[str, str]] = frozenset()
    gone_since: Mapping[str, str] = field(default_factory=dict)
    deactivates: bool = False
    codes_proven: bool = True
    nowhere: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def leaving(self) -> bool:
        """May this read tell who is gone, and is it asked for? (rule 13)"""
        asked = self.settings.users.deactivate_after is not None
        return asked and self.deactivates and self.complete and not self.doubted


@dataclass(kw_only=True)
class CheckResult:
    """What `rollbook check` found: findings by code, `rows` of each (as `summary.FINDING_COLUMNS`), records read per
    collection, verdicts of incomplete collections, and whether anything blocks."""

    findings: dict[str, int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    blocking: int = 0
    sanity: dict[str, int] = field(default_factory=dict)
