"""The order of the stages in which grades go back. With `roster_run.py`, the only file that knows an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from rollbook.connectors.gradebook import GradeSource
from rollbook.core.apply import Applier
from rollbook.core.duck import Connection, connect, small_scratch
from rollbook.core.found import count_findings, write_findings
from rollbook.core.guard import Guard, check_permits, guard, keep_holds
from rollbook.core.measure import accounted, timed
from rollbook.core.outcomes import add_outcomes
from rollbook.core.plan import PlanReader, slices, write_plan
from rollbook.core.protocols import Pin, PinPlace
from rollbook.core.refusals import remember_refusals
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.errors import BadResponse, ConfigError, NotAllowed, RollbookError, StalePlan
from rollbook.passback.compare import compare, only
from rollbook.passback.grade_types import Found, GradeLedgerVersion, GradeRequest, GradeWorld, SectionNote, SectionWish
from rollbook.passback.grades import desired
from rollbook.passback.ledger import GradeReferences, read_ids, read_ledger
from rollbook.passback.pins import Pinned
from rollbook.passback.reading import read_live, read_section
from rollbook.passback.settle import did_by_section, settle_sections
from rollbook.passback.still import check_sis
from rollbook.passback.tables import Tables
from rollbook.passback.undoing import of_persons, undo_section
from rollbook.passback.whose import told_by_account
from rollbook.roster.grades import GRADE_KINDS, Gradebook
from rollbook.roster.lms import CREATE, REMOVE, plural
from rollbook.roster.reasons import MOVED_ON
from rollbook.roster.settings import Limits

#: One section at a time is in memory; the tables hold only changes.
_MEMORY = "48MB"
#: To settle, outcomes are read back, by a buffer of 32 MB; to undo, all that was done is sorted as well.
_SETTLED, _UNDONE = "64MB", "128MB"
#: So few sections need no file.
_FEW = 8
#: A second thread would have buffers of its own, and gains nothing where little is done at a time.
_THREADS = 1
#: What limits hold for: new line items, and results that would be taken away.
_LIMITED = frozenset({("line_item", CREATE), ("result", REMOVE)})

#: What a run keeps as a fact: does the SIS take objects away? An undo of it says before what stays.
SIS_DELETES = "sis_deletes"

T = TypeVar("T")


def grade_run(request: GradeRequest, world: GradeWorld) -> RunResult:
    """Read to settle (or to the plan, for a dry run). Raises RollbookError; whatever was sent before an error is
    settled by `finish` later."""
    result = plan_grades(request, world)
    return result if request.dry_run else carry_out(request, world, result)


def plan_grades(request: GradeRequest, world: GradeWorld) -> RunResult:
    """Read every section and plan; nothing is sent. The result, with its plan, must be kept before it is carried
    out."""
    run = _Run(request, world)
    try:
        run.plan()
        return run.result
    finally:
        run.close()


def plan_undo(request: GradeRequest, world: GradeWorld, undone: StoredPlan) -> RunResult:
    """Plan what turns around what was sent of `undone`, whose journal the world knows; nothing is sent. As for
    `plan_grades`."""
    run = _Run(request, world, memory=_UNDONE)
    try:
        run.undo(undone)
        return run.result
    finally:
        run.close()


def carry_out(request: GradeRequest, world: GradeWorld, result: RunResult) -> RunResult:
    """Send the result's plan and settle: at once, later (`run apply`), or for a run whose process died, which goes on
    where its journal ends."""
    plan = _stored(result)
    if not world.ledgers.advanced(plan.sections):
        apply_grades(request, world, result)
    elif len(world.journal(plan.digest).done()) != sum(1 for _ in slices(plan)):
        raise StalePlan("the run broke off midway, and what it had sent is in the ledger; plan again for the rest")
    return settle_grades(request, world, result)


def check_stored(request: GradeRequest, world: GradeWorld, plan: StoredPlan) -> None:
    """Before a plan that was made earlier is sent (`run apply`). Raises StalePlan where somebody changed the SIS since,
    or an approval has ended."""
    _check_fresh(request, world, plan)
    check_permits(plan, world.permits.valid(), world.blobs)
    with small_scratch() as db:
        check_sis(db, plan, world)


def apply_grades(request: GradeRequest, world: GradeWorld, result: RunResult) -> None:
    """Send what of the plan has no outcome yet. Raises StalePlan."""
    plan = _stored(result)
    _check_fresh(request, world, plan)
    if not plan.groups:
        return
    with _scratch(None, len(plan.sections)) as db, accounted(result, world.requests), timed(result.seconds, "apply"):
        references = GradeReferences()
        for section, version in world.ledgers.currents(plan.sections).items():
            references.add(*read_ids(db, version, world.blobs, section))
        Applier(
            target=world.sink,
            reader=PlanReader(db, plan, world.blobs),
            journal=world.journal(plan.digest),
            references=references,
            cancel=world.cancel,
            progress=world.progress,
            late=world.late,
        ).run(plan)


def settle_grades(request: GradeRequest, world: GradeWorld, result: RunResult) -> RunResult:
    """Bring what was sent into the sections' ledgers and count it. Safe to repeat when the process died on the way."""
    run = _Run(request, world, result, memory=_SETTLED)
    try:
        run.settle()
        return result
    finally:
        run.close()


def finish(request: GradeRequest, world: GradeWorld, plan: StoredPlan, planned: RunResult | None = None) -> RunResult:
    """Settle a run that ended without settling (failed, cancelled): journal → new versions of its sections' ledgers."""
    return settle_grades(request, world, msgspec.structs.replace(planned or RunResult(), plan=plan))


def _check_fresh(request: GradeRequest, world: GradeWorld, plan: StoredPlan) -> None:
    versions = world.ledgers.currents(plan.sections)
    if any(versions[section].number != number for section, number in plan.sections.items()):
        raise StalePlan("a grade ledger has moved on since this plan was made; plan again")
    if plan.settings_digest != request.digest(plan.sections):
        raise StalePlan("the settings or a category map were changed since this plan was made; plan again")


def _scratch(path: Path | None, sections: int, memory: str = _MEMORY) -> AbstractContextManager[Connection]:
    """A database for one phase. Making a file, or an engine, takes longer than all statements of a small run."""
    return small_scratch() if sections <= _FEW else connect(path, memory, threads=_THREADS)


class _Run:
    """One phase of a run, with its scratch database; each stage's time is kept."""

    def __init__(
        self, request: GradeRequest, world: GradeWorld, result: RunResult | None = None, *, memory: str = _MEMORY
    ) -> None:
        self.request, self.world = request, world
        world.work.mkdir(parents=True, exist_ok=True)
        self.scratch = world.work / "grades.duckdb"
        self.scratch.unlink(missing_ok=True)
        self.result = result or RunResult()
        sections = len(self.result.plan.sections if self.result.plan else request.sections)
        self._open = ExitStack()
        self.db = self._open.enter_context(_scratch(self.scratch, sections, memory))
        self.tables = Tables(self.db)
        self.versions: dict[str, int] = {}
        self.pins: dict[str | None, list[Pin]] = {}
        self.ended: list[PinPlace] = []

    def close(self) -> None:
        self._open.close()
        self.scratch.unlink(missing_ok=True)
        with accounted(self.result, self.world.requests):
            pass

    def step(self, name: str, work: Callable[[], T]) -> T:
        self.world.cancel.check()
        with timed(self.result.seconds, name):
            return work()

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(self) -> None:
        source, total = self.world.source, len(self.request.sections)
        if source is None:
            raise ConfigError("this run needs an LMS whose gradebooks can be read")
        if self.world.people is not None:
            self.world.people([])  # says at once where it cannot be known
        for pin in self.world.pins.active(self.request.now):
            self.pins.setdefault(pin.school, []).append(pin)
        versions = self.world.ledgers.currents([wish.code for wish in self.request.sections])
        for number, wish in enumerate(self.request.sections):
            self.world.progress.update("read", number, total, wish.code)
            self._section(source, wish, versions[wish.code])
        self.world.progress.update("plan", total, total)
        self.step("plan", lambda: self._plan(self._rules()))
        self.result.facts["pins_ended"] = self.ended

    def _section(self, source: GradeSource, wish: SectionWish, version: GradeLedgerVersion) -> None:
        """Read and compare one section. What its own trouble is, stops no other."""
        world = self.world
        had = read_ledger(self.db, version, world.blobs, wish.code)
        try:
            read = self.step("read", lambda: read_section(self.request, source, world.sink, wish, had))
        except BadResponse as error:
            self._unread(wish.code, "SECTION_UNREADABLE", error)
            return
        except NotAllowed as error:
            self._unread(wish.code, "GRADES_NOT_ALLOWED", error)
            return
        self.versions[wish.code] = version.number
        if world.accounts is not None:
            book, strangers = told_by_account(read.book, world.accounts(read.book.members))
            read = replace(read, book=book, strangers=strangers)
        if world.people is not None:
            members = [each.unique_id for each in read.book.members if each.unique_id]
            read = replace(read, people=world.people(members))
        wanted = desired(read)
        pinned = Pinned([pin for pin in self.pins.get(wish.code, ()) if pin.kind in GRADE_KINDS])
        pinned.apply(wanted)
        self.ended += pinned.ended
        compared = self.step("compare", lambda: compare(read, wanted))
        if self.request.items:
            compared = only(compared, {note.key for note in wanted.notes if note.item in self.request.items})
        self.tables.add(read, wanted, compared)
        note = SectionNote(
            lms_categories=read.book.categories,
            sis_categories=read.categories,
            items=wanted.notes,
            admins=_admins(read.book),
        )
        world.notes.seen(wish.code, note)

    def _unread(self, section: str, code: str, error: RollbookError) -> None:
        """Nothing is known of the section now, so nothing of it is planned, and its ledger stays."""
        self.tables.note(section, [Found(code=code, collection="section", id=section, detail=str(error))])
        self.world.notes.seen(section, SectionNote(trouble=str(error)))

    def undo(self, undone: StoredPlan) -> None:
        """Read what the SIS holds now of each section, and turn around what was sent there."""
        request, world = self.request, self.world
        sections = did_by_section(self.db, undone, world, [wish.code for wish in request.sections])
        moved_on: Counter[str] = Counter()
        for section, did in sections:
            version = world.ledgers.current(section)
            had = read_ledger(self.db, version, world.blobs, section)
            try:
                live = self.step("read", partial(read_live, world.sink, section))
            except BadResponse as error:
                found = Found(code="SECTION_UNREADABLE", collection="section", id=section, detail=str(error))
                self.tables.note(section, [found])
                continue
            turned = undo_section(of_persons(did, request.persons), had, live, deletes=world.sink.limits.deletes)
            self.versions[section] = version.number
            self.tables.add_rows(section, turned.rows, had, live)
            self.tables.note(section, turned.findings)
            moved_on.update(one.collection for one in turned.findings)
        self.result.conflicts = {MOVED_ON % {"list": plural(kind)}: number for kind, number in moved_on.items()}
        rules = replace(self._rules(), retry_refused=True, refusals=())
        rules = replace(rules, salt=f"{rules.salt}|undo|{undone.digest}")
        self.step("plan", lambda: self._plan(rules, undo_of=request.run_id))

    def _plan(self, rules: Guard, undo_of: str | None = None) -> None:
        request, world, db = self.request, self.world, self.db
        titles = {wish.code: wish.title for wish in request.sections}
        self.tables.flush()
        holds = guard(db, rules, world.blobs)
        self.result.holds = [replace(hold, school_name=titles.get(hold.school or "", "")) for hold in holds]
        self.tables.wait_for_results()
        self.result.hold_blobs |= keep_holds(db, self.result.holds, world.work, world.blobs)
        self.result.plan = write_plan(
            db,
            world.work,
            world.blobs,
            world.sink.traits,
            ledger_version=0,
            settings_digest=request.digest(self.versions),
            year=None,
            undo_of=undo_of,
            kinds=GRADE_KINDS,
            removals_first=True,
            sections=self.versions,
        )
        if undo_of is None:
            world.notes.counted(self.tables.item_counts())
        self.result.kinds = self.tables.plan_counts()
        self.result.state = "planned"
        self.result.facts[SIS_DELETES] = world.sink.limits.deletes
        self._keep_findings()

    def _rules(self) -> Guard:
        request, world, limits = self.request, self.world, self.request.settings.grades.limits
        return Guard(
            salt=f"{request.settings.organization.slug} grades",
            limits=Limits(remove=limits.remove, create=limits.create),
            kinds=tuple(GRADE_KINDS),
            schools=(),
            year=None,
            shrunk=frozenset(),
            grown=True,
            permits=world.permits.valid(),
            refusals=list(world.memory.refusals()),
            now=request.now,
            retry_refused=request.retry_refused,
            table=GRADE_KINDS,
            limited=_LIMITED,
        )

    def _keep_findings(self) -> None:
        self.tables.flush()
        path = self.world.work / "findings.parquet"
        write_findings(self.db, path)
        self.result.findings_blob = self.world.blobs.put(path)
        self.result.findings = count_findings(self.db)

    # --- settling -----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        plan = _stored(self.result)
        self.step("settle", lambda: self._settle(plan))
        add_outcomes(self.db, plan, self.result.kinds)
        self.world.pins.end(tuple(place) for place in self.result.facts.pop("pins_ended", ()))
        self.result.state = "held" if self.result.holds else "done"

    def _settle(self, plan: StoredPlan) -> None:
        request, world = self.request, self.world
        self.tables.recall(self.result.findings_blob, world.blobs)
        for section, findings in settle_sections(self.db, plan, world, request):
            self.tables.note(section, findings)
        self._keep_findings()
        whole = request.whole and plan.undo_of is None and {each.code for each in request.sections} <= {*plan.sections}
        seen = None if whole else [] if plan.undo_of is not None else list(plan.sections)
        remember_refusals(self.db, plan, world.memory, request.now, sections=seen, grades=True, run=request.run_id)


def _admins(book: Gradebook) -> frozenset[str]:
    return frozenset(each.unique_id for each in book.members if each.admin and each.active and each.unique_id)


def _stored(result: RunResult) -> StoredPlan:
    assert result.plan is not None
    return result.plan
