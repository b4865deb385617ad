"""Records that the LMS keeps refusing: since when, in how many runs, and in whose words (rule 27)."""

from __future__ import annotations

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command


@pytest.mark.rule(27)
def test_a_refused_record_is_shown_with_how_long_it_has_been_failing(rollbook: Command, world: Space) -> None:
    student = next(row["sourcedId"] for row in world.rows["users"] if row["role"] == "student")
    world.faults.refuse[student] = "no such luck"
    first = rollbook("sync", "maple")
    assert first["refused"]["records"] == 1
    for number in (2, 3):
        run = rollbook("sync", "maple")
        [one] = run["refused"]["longest"]
        assert (one["kind"], one["key"], one["runs"], one["message"]) == ("user", student, number, "no such luck")
        assert one["since"] == first["refused"]["longest"][0]["since"]
        [row] = rollbook("run", "changes", run["run"], "--outcome", "refused", schema="changes")["changes"]
        assert row["refused"] == {"since": one["since"], "runs": number, "retry_from": one["retry_from"]}
    assert one["retry_from"] is not None, "after three runs, weekly"
    shown = rollbook.text("run", "changes", run["run"], "--outcome", "refused").out
    assert one["since"][:10] in shown
    line = next(x for x in rollbook.text("run", "show", run["run"]).out.splitlines() if "no such luck" in x)
    assert line.split()[:4] == ["user", student, one["since"][:10], "3"]


@pytest.mark.rule(27)
def test_one_that_waits_for_its_week_is_shown_too(rollbook: Command, world: Space) -> None:
    student = next(row["sourcedId"] for row in world.rows["users"] if row["role"] == "student")
    world.faults.refuse[student] = "no such luck"
    for _ in range(4):
        run = rollbook("sync", "maple")
    assert run["kinds"]["user"]["refused"] == 0
    assert run["refused"]["longest"][0]["runs"] == 3
    rows = rollbook("run", "changes", run["run"], "--kind", "user", schema="changes")["changes"]
    assert [row["refused"]["runs"] for row in rows if row["key"] == student] == [3]


@pytest.mark.rule(27)
def test_what_was_accepted_is_no_longer_shown(rollbook: Command, world: Space) -> None:
    student = next(row["sourcedId"] for row in world.rows["users"] if row["role"] == "student")
    world.faults.refuse[student] = "no such luck"
    rollbook("sync", "maple")
    world.faults.refuse.clear()
    assert rollbook("sync", "maple")["refused"] == {"records": 0, "longest": []}
