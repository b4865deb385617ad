"""What is prepared of a plan when its run ends says the same as the plan and the journal themselves."""

from __future__ import annotations

from rollbook.connectors.memory.space import Space
from rollbook.roster.changes import WAITING
from rollbook.store import outcome_spans, plan_counts
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.models import PlanCountsRow, Run
from rollbook.store.outcome_spans import spans
from rollbook.store.plan_rows import Chosen, page_before, page_of_rows, rows_in_parts
from rollbook.store.runs import stored_plan
from tests.web.world import run_now


def _run(folder: DataFolder, world: Space) -> Run:
    """A run of which the LMS refused a few people, so that their enrollments wait."""
    for row in world.rows["users"][:3]:
        world.faults.refuse[row["sourcedId"]] = "this name is not allowed"
    return run_now(folder)


def test_counts_and_spans_are_those_of_the_run(folder: DataFolder, world: Space) -> None:
    run = _run(folder, world)
    plan = stored_plan(run)
    assert plan is not None
    kept = PlanCountsRow.objects.get(run=run)
    assert plan_counts._kept(run.pk) == plan_counts._counts(plan.files, open_blobs(folder))
    outcome_spans._kept.cache_clear()
    told = list(spans(run, plan.digest))
    kept.delete()
    outcome_spans._kept.cache_clear()
    assert told == list(spans(run, plan.digest))
    assert {status for _, _, status in told} >= {"done", "refused"}
    assert plan_counts._kept(run.pk) == []


def test_rows_that_wait_are_found_in_both_places(folder: DataFolder, world: Space) -> None:
    run = _run(folder, world)
    plan, blobs = stored_plan(run), open_blobs(folder)
    assert plan is not None
    became = spans(run, plan.digest)
    every = [row for rows in rows_in_parts(plan, blobs, Chosen()) for row in rows]

    def waits(row: dict[str, object]) -> bool:
        seq = row["seq"]
        return row["state"] == WAITING or any(first <= seq <= last and its == WAITING for first, last, its in became)

    expected = [row["seq"] for row in every if waits(row)]
    assert expected
    wanted = Chosen(fate=WAITING)
    found = page_of_rows(plan, blobs, wanted, most=10_000, outcomes=became)
    assert [row["seq"] for row in found] == expected
    last = page_before(plan, blobs, wanted, most=2, before=expected[-1], outcomes=became)
    assert [row["seq"] for row in last] == expected[:-1][-2:]
