"""The order of the river's stages. With `grade_run.py`, the only file that knows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from rollbook.connectors.base import Cancel, Source, Target
from rollbook.core.protocols import Blobs, Journal, Ledger, Memory, Passwords, Permits, Progress
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.roster.settings import Settings


class Step(Protocol):
    """Runs one named stage; an engine may checkpoint its result (JSON-able) or repeat it after a crash."""

    def __call__(self, name: str, work: Callable[[], Any], /) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for. `kinds` are LMS kinds (RUN_KINDS), `schools` org sourcedIds (empty = all) that filter the
    plan (rule 6). `dry_run` stops after the plan. `compare_live` forces a comparison with the live LMS. `now` is the
    moment the run counts as, with time zone."""

    run_id: str
    settings: Settings
    settings_digest: str
    kinds: Sequence[str]
    now: datetime
    schools: Sequence[str] = ()
    dry_run: bool = False
    compare_live: bool = False
    retry_refused: bool = False

    @property
    def today(self) -> date:
        """The organization's day."""
        from zoneinfo import ZoneInfo

        return self.now.astimezone(ZoneInfo(self.settings.organization.timezone)).date()


@dataclass(frozen=True, kw_only=True)
class World:
    """What a run works with. `journal` makes the journal of a plan by its digest. `work` is the run's scratch folder."""

    target: Target
    blobs: Blobs
    ledger: Ledger
    journal: Callable[[str], Journal]
    passwords: Passwords
    permits: Permits
    memory: Memory
    cancel: Cancel
    progress: Progress
    work: Path
    source: Source | None = None
    requests: Callable[[], dict[str, int]] = dict


def roster_run(request: Request, world: World, step: Step) -> RunResult:
    """Extract to settle (or to the plan, for a dry run). Raises RollbookError; whatever was sent before an error is
    settled by `finish` on the next start."""
    raise NotImplementedError


def apply_stored(request: Request, world: World, plan: StoredPlan, step: Step) -> RunResult:
    """Send a plan that was made earlier (`run apply`), and settle. Raises StalePlan."""
    raise NotImplementedError


def finish(request: Request, world: World, plan: StoredPlan, step: Step) -> RunResult:
    """Settle a run that ended without settling (failed, cancelled, killed): journal → new ledger version."""
    raise NotImplementedError


def undo_run(request: Request, world: World, plan: StoredPlan, step: Step) -> RunResult:
    """Plan (and unless dry, apply and settle) the inversion of what `plan` did (rule 28)."""
    raise NotImplementedError
