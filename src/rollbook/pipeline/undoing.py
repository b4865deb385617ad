"""Plans an undo: the inverted plan, guarded by limits and holds like any other (rules 25 to 28). Sends nothing."""

from __future__ import annotations

from datetime import timedelta

from rollbook.core.duck import Connection
from rollbook.core.guard import Guard, guard, keep_holds
from rollbook.core.outcomes import load_outcomes, load_plan
from rollbook.core.pins import pins_of
from rollbook.core.plan import write_plan
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.core.undo import Wanted, invert, show_parents
from rollbook.pipeline.run_types import Request, World
from rollbook.pipeline.school_names import name_schools


def plan_undo(db: Connection, request: Request, world: World, plan: StoredPlan, result: RunResult) -> None:
    """Fill the result with the plan that undoes `plan`, its holds and what cannot be undone. Conflicts are findings."""
    load_plan(db, plan, world.blobs)
    load_outcomes(db, plan, world.journal(plan.digest), world.work)
    wanted = Wanted(kinds=request.kinds, schools=request.schools, persons=request.persons)
    staff = frozenset(role for role, is_staff in world.target.roles().items() if is_staff)
    show_parents(db, world.memory.facts().get("set_aside") or {})
    result.conflicts = invert(db, plan, wanted, staff)
    if "grading_periods" in world.target.traits.nowhere.get("section", ()):  # no materials lie in them (decision 42)
        db.execute("UPDATE changes_section SET reason = NULL WHERE reason = 'periods'")
    result.holds = name_schools(db, guard(db, _rules(request, world, plan), world.blobs))
    result.hold_blobs |= keep_holds(db, result.holds, world.work, world.blobs)
    result.plan = write_plan(
        db,
        world.work,
        world.blobs,
        world.target.traits,
        ledger_version=world.ledger.current().number,
        settings_digest=request.settings_digest,
        year=plan.year,
        undo_of=request.run_id,
    )


def keep_pins(db: Connection, request: Request, world: World, plan: StoredPlan) -> None:
    """Pin what an undo put back; before the ledger moves on, so that no death loses them. Needs the plan views and
    `outcome`."""
    days = request.settings.undo.pin_days
    if plan.undo_of is not None and days:
        world.pins.keep(pins_of(db, plan), request.now + timedelta(days=days))


def _rules(request: Request, world: World, plan: StoredPlan) -> Guard:
    """The limits are the settings'; a person asked for it, so refused records are tried at once. Its holds are its own:
    they never mix with those of syncs."""
    return Guard(
        salt=f"{request.settings.organization.slug}|undo|{plan.digest}",
        limits=request.settings.limits,
        kinds=[kind for kind in request.kinds if kind in plan.files],
        schools=(),
        year=plan.year,
        shrunk=frozenset(),
        grown=bool(world.memory.facts().get("first_full_sync")),
        permits=world.permits.valid(),
        refusals=(),
        now=request.now,
        retry_refused=True,
    )
