"""The order of the river's stages. With `grade_run.py`, the only file that knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from rollbook.connectors.base import Source
from rollbook.core.apply import Applier
from rollbook.core.duck import Connection, connect, count
from rollbook.core.found import count_findings, write_findings
from rollbook.core.guard import Guard, check_permits, guard, keep_holds
from rollbook.core.ledger_files import load
from rollbook.core.measure import accounted, peak_rss_mib, timed
from rollbook.core.outcomes import add_outcomes, load_outcomes, load_plan
from rollbook.core.pins import ended_pins
from rollbook.core.plan import PlanReader, slices, write_plan
from rollbook.core.protocols import Progress
from rollbook.core.references import References
from rollbook.core.refusals import remember_refusals
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.errors import ConfigError, StalePlan
from rollbook.pipeline import baselines, summary
from rollbook.pipeline.asked import check_asked
from rollbook.pipeline.both_systems import keep_both_systems
from rollbook.pipeline.check import check
from rollbook.pipeline.columns import notice_columns, places_unknown
from rollbook.pipeline.compare import compare
from rollbook.pipeline.conflicts import load_decisions
from rollbook.pipeline.doubts import Doubts, look, look_live, unclear, unread_lines
from rollbook.pipeline.extract import extract
from rollbook.pipeline.leavers import gone_since, read_leavers
from rollbook.pipeline.left_out import keep_left_out
from rollbook.pipeline.live import declare_live
from rollbook.pipeline.matching import Matching
from rollbook.pipeline.partial import keep_places
from rollbook.pipeline.person_ids import keep_person_ids
from rollbook.pipeline.resolve import resolve
from rollbook.pipeline.run_types import CheckResult, Request, Scope, Step, World
from rollbook.pipeline.school_names import name_schools
from rollbook.pipeline.settle import settle
from rollbook.pipeline.snapshots import Snapshots
from rollbook.pipeline.stage import stage
from rollbook.pipeline.tables import Extracted, create_shared_tables
from rollbook.pipeline.undoing import keep_pins, plan_undo
from rollbook.roster.lms import KINDS
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.roster.settings import FieldMap

__all__ = [
    "CheckResult",
    "Request",
    "Step",
    "World",
    "apply_run",
    "apply_stored",
    "carry_out",
    "check_source",
    "finish",
    "plan_run",
    "roster_run",
    "settle_run",
    "undo_plan",
    "undo_run",
]

#: Applying only looks things up: many runs apply at once.
_APPLY_MEMORY = "128MB"

T = TypeVar("T")


def roster_run(request: Request, world: World, step: Step) -> RunResult:
    """Extract to settle (or to the plan, for a dry run). Raises RollbookError; whatever was sent before an error is
    settled by `finish` later."""
    result = plan_run(request, world, step)
    return result if request.dry_run else carry_out(request, world, result, step)


def plan_run(request: Request, world: World, step: Step) -> RunResult:
    """Extract to the plan; nothing is sent. The result, with its plan, must be kept before it is carried out."""
    river = _River(request, world, step)
    try:
        river.plan()
        return river.result
    finally:
        river.close()


def undo_plan(request: Request, world: World, plan: StoredPlan, step: Step) -> RunResult:
    """Plan the inversion of what `plan` did (rule 28); nothing is sent."""
    with world.heavy():
        river = _River(request, world, step)
        try:
            river.undo(plan)
            return river.result
        finally:
            river.close()


def carry_out(request: Request, world: World, result: RunResult, step: Step) -> RunResult:
    """Send the result's plan and settle: at once, later (`run apply`), or for a run whose process died, which goes on
    where its journal ends."""
    if not world.ledger.advanced():
        apply_run(request, world, result, step)
    elif not _all_sent(world, _stored(result)):  # it was breaking off when its process died
        raise StalePlan("the run broke off midway, and what it had sent is in the ledger; plan again for the rest")
    return settle_run(request, world, result, step)


def apply_run(request: Request, world: World, result: RunResult, step: Step) -> None:
    """Send what of the plan has no outcome yet. Needs little memory, however large the plan. Raises StalePlan."""
    plan = _stored(result)
    _check_fresh(request, world, plan)
    step("store", lambda: plan)  # whoever steps us has the plan written down before any of it is sent
    if plan.groups:
        with connect(memory=_APPLY_MEMORY) as db, accounted(result, world.requests), timed(result.seconds, "apply"):
            load(db, world.ledger.current(), world.blobs)
            step("apply", lambda: _apply(db, request, world, plan))


def settle_run(request: Request, world: World, result: RunResult, step: Step) -> RunResult:
    """Bring what was sent into the ledger and count it. Safe to repeat when the process died on the way."""
    with world.heavy():
        river = _River(request, world, step, result)
        try:
            river.settle()
            return result
        finally:
            river.close()


def apply_stored(
    request: Request, world: World, plan: StoredPlan, step: Step, facts: Mapping[str, Any] = MappingProxyType({})
) -> RunResult:
    """Send a plan that was made earlier (`run apply`), and settle. `facts` are what its planning learned, to
    be remembered now that it is carried out. Raises StalePlan."""
    check_permits(plan, world.permits.valid(), world.blobs)
    return carry_out(request, world, RunResult(plan=plan, facts=dict(facts)), step)


def finish(request: Request, world: World, plan: StoredPlan, step: Step, planned: RunResult | None = None) -> RunResult:
    """Settle a run that ended without settling (failed, cancelled): journal → new ledger version. What its planning
    learned is not remembered."""
    result = msgspec.structs.replace(planned or RunResult(), plan=plan, facts={})
    if plan.ledger_version == world.ledger.current().number:
        settle_run(request, world, result, step)
    return result


def undo_run(request: Request, world: World, plan: StoredPlan, step: Step) -> RunResult:
    """Plan (and unless dry, apply and settle) the inversion of what `plan` did (rule 28)."""
    result = undo_plan(request, world, plan, step)
    return result if request.dry_run else carry_out(request, world, result, step)


def _check_fresh(request: Request, world: World, plan: StoredPlan) -> None:
    if plan.ledger_version != world.ledger.current().number:
        raise StalePlan("the ledger has moved on since this plan was made; plan again")
    if plan.settings_digest != request.settings_digest:
        raise StalePlan("the settings were changed since this plan was made; plan again")


def _all_sent(world: World, plan: StoredPlan) -> bool:
    return len(world.journal(plan.digest).done()) == sum(1 for _ in slices(plan))


def _apply(db: Connection, request: Request, world: World, plan: StoredPlan) -> None:
    Applier(
        target=world.target,
        reader=PlanReader(db, plan, world.blobs),
        journal=world.journal(plan.digest),
        references=References(db, users_by_id=world.target.traits.users_by_id),
        cancel=world.cancel,
        progress=world.progress,
        late=world.late,
        passwords=world.passwords if request.settings.users.passwords == "generate" else None,
    ).run(plan)


class _River:
    """One heavy phase of a run, with its scratch database; each stage's time is kept."""

    def __init__(self, request: Request, world: World, step: Step, result: RunResult | None = None) -> None:
        self.request, self.world, self._step = request, world, step
        world.work.mkdir(parents=True, exist_ok=True)
        self.scratch = world.work / "scratch.duckdb"
        self.scratch.unlink(missing_ok=True)
        self.db: Connection = connect(self.scratch)
        self.result = result or RunResult()
        load(self.db, world.ledger.current(), world.blobs)
        create_shared_tables(self.db)

    def close(self) -> None:
        self.db.close()
        self.scratch.unlink(missing_ok=True)
        self.result.requests = self.world.requests()
        self.result.peak_rss_mib = peak_rss_mib()

    def step(self, name: str, work: Callable[[], T]) -> T:
        self.world.cancel.check()
        with timed(self.result.seconds, name):
            done: T = self._step(name, work)
        return done

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(self) -> None:
        source = self.world.source
        if source is None:
            raise ConfigError("this run needs a SIS, and none is configured")
        self.request = self.request.with_end_dates(source)
        request, world, db = self.request, self.world, self.db
        snapshots = Snapshots(db, request, world)
        extracted = self.step(
            "extract", lambda: extract(source, world.work / "pages", world.progress, snapshots.watermarks())
        )
        with world.heavy():
            self._plan_heavily(source, extracted, snapshots)

    def _plan_heavily(self, source: Source, extracted: Extracted, snapshots: Snapshots) -> None:
        """Everything that needs the scratch database: one such run at a time in a process."""
        request, world, db = self.request, self.world, self.db
        merge = snapshots.judge(extracted)
        self.result.verdicts = {name: v.reason for name, v in extracted.verdicts.items() if not v.complete}
        self.step("stage", lambda: stage(db, source, extracted, world.work / "rows", world.progress, merge))
        unread = unread_lines(db)
        self.result.verdicts = unread | self.result.verdicts
        whole = not extracted.incomplete() and not unread  # else nothing may be concluded from absence (rule 20)
        self.step("check", lambda: check(db, request.settings.users, request.today, world.progress))
        columns = notice_columns(db, request.settings, world.memory.facts(), extracted.verdicts)
        if whole:
            check_asked(db, request.settings, request.schools)
        matching = Matching(db, world.target, request, world.work / "live", world.progress, world.memory.facts())
        declare_live(db)
        load_decisions(db, world.decisions())
        self.step("match", matching.read_small)
        year = self.step(
            "resolve",
            lambda: resolve(
                db, request.settings, request.today, matching.roles, world.progress, traits=world.target.traits
            ),
        )
        doubts = look(db, request, world.memory.facts(), year, whole=whole)
        self.step("match", matching.read_large)
        look_live(db, matching.doubts, doubts)
        self.result.verdicts |= doubts.incomplete
        self.result.doubts = doubts.shrunk
        scope = self._scope(year, matching, doubts, whole=whole)
        self.step("match", lambda: read_leavers(db, world.target, scope))
        self.step("plan", lambda: self._plan(scope, matching))
        self.result.left_out = self.step("plan", lambda: keep_left_out(db, request, world, scope))
        self.result.people_blob, self.result.people, self.result.sanity = keep_both_systems(db, request, scope, world)
        self.result.facts |= matching.lessons() | keep_person_ids(db, request, world)
        if scope.complete:
            self.result.facts |= doubts.learned | snapshots.keep(extracted) | columns
        self._report(staged=True)

    def _scope(self, year: int | None, matching: Matching, doubts: Doubts, *, whole: bool) -> Scope:
        request, world, facts = self.request, self.world, self.world.memory.facts()
        return Scope(
            settings=request.settings,
            today=request.today,
            year=year,
            complete=whole and not doubts.incomplete,
            read_whole=whole,
            kinds=request.kinds,
            live=matching.live,
            whole=matching.whole,
            set_aside=facts.get("set_aside") or {},
            staff_roles=frozenset(r for r, s in matching.roles.items() if s),
            pins=[pin for pin in world.pins.active(request.now) if pin.kind in KINDS],
            doubted=bool(doubts.shrunk),
            gone_since=facts.get("gone_since") or {},
            deactivates=world.target.traits.deactivates,
            codes_proven=world.target.traits.codes_proven,
            nowhere=world.target.traits.nowhere,
        )

    def _plan(self, scope: Scope, matching: Matching) -> None:
        request, world, db = self.request, self.world, self.db
        if not scope.complete or places_unknown(db):
            keep_places(db, roles="roles" in self.result.verdicts)
        facts = world.memory.facts()
        counts = baselines.counts(db, scope.year)
        scope = replace(scope, shrunk=baselines.shrunk(counts, facts, scope.year))
        set_aside = compare(db, scope, world.progress)
        rules = Guard(
            salt=request.settings.organization.slug,
            limits=request.settings.limits,
            kinds=request.kinds,
            schools=request.schools,
            year=str(scope.year) if scope.year else None,
            shrunk=scope.shrunk,
            grown=bool(facts.get("first_full_sync")),
            permits=world.permits.valid(),
            refusals=list(world.memory.refusals()),
            now=request.now,
            retry_refused=request.retry_refused,
        )
        self.result.holds = name_schools(db, guard(db, rules, world.blobs))
        self.result.facts = baselines.learn(counts, self.result.holds, facts, scope, whole=not request.schools)
        self.result.facts |= {"set_aside": set_aside, "gone_since": gone_since(db, scope)}
        self.result.facts["pins_ended"] = ended_pins(db) if scope.complete and scope.pins else []
        if "user" in scope.live:
            self.result.facts["conflicts"] = count(db, "conflict") or None
        self.result.hold_blobs |= keep_holds(db, self.result.holds, world.work, world.blobs)
        self.result.plan = write_plan(
            db,
            world.work,
            world.blobs,
            world.target.traits,
            ledger_version=world.ledger.current().number,
            settings_digest=request.settings_digest,
            year=rules.year,
        )

    def _report(self, *, staged: bool) -> None:
        summary.locate_findings(self.db)
        path = self.world.work / "findings.parquet"
        write_findings(self.db, path)
        self.result.findings_blob = self.world.blobs.put(path)
        self.result.findings = count_findings(self.db)
        self.result.kinds = summary.plan_counts(self.db, self.request.kinds, staged=staged)
        self.result.ledger_version = self.world.ledger.current().number
        self.result.state = "planned"

    def undo(self, plan: StoredPlan) -> None:
        self.step("plan", lambda: plan_undo(self.db, self.request, self.world, plan, self.result))
        self._report(staged=False)

    # --- settling -----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        plan, world = _stored(self.result), self.world
        self.step("settle", lambda: self._settle(plan))
        add_outcomes(self.db, plan, self.result.kinds)
        if not summary.landed(self.result.kinds):  # its rest is no growth that a person must look at (rule 25)
            self.result.facts.pop("first_full_sync", None)
        world.pins.end(tuple(place) for place in self.result.facts.pop("pins_ended", ()))
        world.memory.remember(self.result.facts)
        self.result.doubts |= unclear(self.db, world.target.traits.title)
        # What was not read whole, or shrank, holds back removals: somebody should look (rules 20, 25).
        waits = self.result.holds or self.result.verdicts or self.result.doubts
        self.result.state = "held" if waits else "done"

    def _settle(self, plan: StoredPlan) -> None:
        world = self.world
        load_plan(self.db, plan, world.blobs)
        load_outcomes(self.db, plan, world.journal(plan.digest), world.work)
        keep_pins(self.db, self.request, world, plan)
        current = world.ledger.current().number
        if current == plan.ledger_version:
            current = settle(self.db, plan, world.ledger, world.blobs, world.work, world.progress)
        # else the process died between the pointer and the end of the run: what it settled stands
        self.result.ledger_version = current
        request, kinds = self.request, None if plan.undo_of is not None else self.request.kinds
        remember_refusals(
            self.db, plan, world.memory, request.now, kinds=kinds, schools=request.schools, run=request.run_id
        )


def _stored(result: RunResult) -> StoredPlan:
    assert result.plan is not None
    return result.plan


def check_source(
    source: Source, *, work: Path, progress: Progress, today: date, users: FieldMap | None = None
) -> CheckResult:
    """Read a SIS and judge its data, without any organization (`rollbook check`). Raises what extract raises."""
    work.mkdir(parents=True, exist_ok=True)
    db = connect(work / "check.duckdb")
    try:
        create_shared_tables(db)
        extracted = extract(source, work / "pages", progress)
        stage(db, source, extracted, work / "rows", progress)
        check(db, users or FieldMap(), today, progress)
        summary.locate_findings(db)
        write_findings(db, work / "findings.parquet")
        return CheckResult(
            findings=count_findings(db),
            rows=summary.finding_rows(work / "findings.parquet", db),
            read={name: count(db, name, "NOT gone") for name in COLLECTIONS},
            incomplete={name: v.reason for name, v in extracted.verdicts.items() if not v.complete},
            blocking=summary.blocking(db),
            sanity=summary.sanity(db),
        )
    finally:
        db.close()
