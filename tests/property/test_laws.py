"""The laws: what holds for every district and every night. Districts are small, so that many are tried."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook.connectors.memory.space import FAULTS
from rollbook.core.protocols import Attempt, Journal
from rollbook.errors import RollbookError
from rollbook.roster.changes import Outcome
from tests.districts import District, Organization
from tests.property.strategies import (
    NO_LIMITS,
    Edit,
    check_reached,
    districts,
    edits,
    examples,
    until_quiet,
    wanted_roster,
)

nights = st.lists(edits(), min_size=1, max_size=6)


@contextmanager
def organization(district: District, **more: object) -> Iterator[Organization]:
    with tempfile.TemporaryDirectory() as folder:
        yield Organization(Path(folder), district, limits=NO_LIMITS, **more)


@given(districts(), nights)
@examples(4)
def test_applying_a_plan_reaches_the_desired_state_and_a_second_plan_is_empty(
    district: District, night: Sequence[Edit]
) -> None:
    with organization(district) as org:
        assert org.run().state == "done"
        check_reached(org)
        for edit in night:
            edit(org.district)
        until_quiet(org)
        check_reached(org)
        version, calls = org.world.ledger.version, org.lms.calls
        result = org.run()
        assert org.sent == []
        assert org.world.ledger.version == version
        assert org.lms.calls - calls < 20
        assert result.plan is not None
        assert result.plan.groups == []


@given(districts(), nights, st.randoms(use_true_random=False))
@examples(3)
def test_the_order_of_rows_does_not_matter(district: District, night: Sequence[Edit], dice: random.Random) -> None:
    with organization(district) as org, organization(district.copy()) as shuffled:
        for one in (org, shuffled):
            if one is shuffled:
                for rows in one.district.rows.values():
                    dice.shuffle(rows)
            one.run()
            for edit in night:
                edit(one.district)
            if one is shuffled:
                for rows in one.district.rows.values():
                    dice.shuffle(rows)
            one.next_day().run()
        assert org.snapshot() == shuffled.snapshot()


@given(districts(), nights, st.sampled_from(["A", "B"]))
@examples(3)
def test_unmapped_means_untouched(district: District, night: Sequence[Edit], school: str) -> None:
    with organization(district) as org:
        org.run()
        before = org.snapshot()
        theirs = {
            kind: {_key(kind, row) for row in org.ledger(kind) if row["school"] == school}
            for kind in ("user", "section", "enrollment", "course")
        }
        homes = {row["sourcedId"]: set(row["orgSourcedIds"].split(",")) for row in org.district.rows["users"]}
        theirs["user"] = {key for key in theirs["user"] if homes[key] == {school}}
        for edit in night:
            edit(org.district)
        other = ({"A", "B"} - {school}).pop()
        org.settings["schools"] = {other: "create"}
        org.next_day().run()
        now_here = {row["sourcedId"] for row in org.district.rows["users"] if other in row["orgSourcedIds"].split(",")}
        touched = {(kind, key) for kind, _, key in org.sent}
        for kind, keys in theirs.items():
            for key in keys - now_here if kind == "user" else keys:
                assert (kind, key) not in touched
        assert org.snapshot()["building"][school] == before["building"][school]
        for key, user in before["user"].items():
            assert not (set(user["additional_buildings"]) & {school}) - _places(org.user(key))


@given(districts(), nights, st.integers(0, 3))
@examples(3)
def test_nothing_without_a_ledger_entry_is_removed(district: District, night: Sequence[Edit], extra: int) -> None:
    with organization(district) as org:
        org.run()
        by_hand = _enroll_by_hand(org, extra)
        for edit in night:
            edit(org.district)
        given_before = {_key("enrollment", row) for row in org.ledger("enrollment")}
        for _ in range(2):
            result = org.next_day().run(compare_live=True)
            removed = {key for kind, action, key in org.sent if action == "remove"}
            assert removed <= given_before
            for reason in {hold.reason for hold in result.holds}:
                org.approve(result, reason)
        assert by_hand - wanted_roster(org.district).keys() <= org.roster.keys()


class Killed(Exception):
    """The process died here."""


class Mortal:
    """A journal whose process dies after so many steps."""

    def __init__(self, journal: Journal, steps: list[int]) -> None:
        self._journal, self._steps = journal, steps

    def _step(self) -> None:
        self._steps[0] -= 1
        if self._steps[0] < 0:
            raise Killed

    def intend(self, number: int, first_seq: int, last_seq: int) -> None:
        self._step()
        self._journal.intend(number, first_seq, last_seq)
        self._step()

    def record(self, number: int, outcomes: Sequence[Outcome]) -> None:
        self._step()
        self._journal.record(number, outcomes)
        self._step()

    def done(self) -> frozenset[int]:
        return self._journal.done()

    def attempts(self) -> Iterator[Attempt]:
        return self._journal.attempts()


@given(districts(), nights, st.integers(0, 20), st.booleans())
@examples(4)
def test_killed_after_any_step_and_run_again_converges(
    district: District, night: Sequence[Edit], step: int, first_day: bool
) -> None:
    with organization(district) as org:
        if not first_day:
            org.run()
            for edit in night:
                edit(org.district)
        org.world.wrap = lambda journal: Mortal(journal, [step])
        try:
            org.next_day().run()
        except Killed:
            org.world.wrap = None
            org.finish()
        org.world.wrap = None
        until_quiet(org)
        check_reached(org)
        assert org.target.doubled == []


@given(districts(), nights, st.lists(st.sampled_from([*FAULTS, "none", "none"]), max_size=30), st.data())
@examples(4)
def test_lost_answers_and_refusals_at_random_converge(
    district: District, night: Sequence[Edit], faults: Sequence[str], data: st.DataObject
) -> None:
    with organization(district) as org:
        refused = data.draw(st.sets(st.sampled_from(["u0", "u1", "k0", "k1", "k0|u0", "k1|u1"])))
        for today in ([], night):
            for edit in today:
                edit(org.district)
            org.lms.faults.queue.extend(faults)
            org.lms.faults.refuse = dict.fromkeys(refused, "refused")
            stormy(org)
        org.lms.faults.queue.clear()
        org.lms.faults.refuse = {}
        until_quiet(org)
        check_reached(org)
        assert org.target.doubled == []


def stormy(org: Organization) -> None:
    """A run that may end in trouble; then what the next start does."""
    try:
        org.next_day().run()
    except RollbookError:
        if org.plan is not None:
            org.finish()


def _key(kind: str, row: dict[str, str]) -> str:
    return f"{row['section']}|{row['user']}" if kind == "enrollment" else row["key"]


def _places(user: dict[str, Any]) -> set[str]:
    return {user["building"], *user["additional_buildings"]}


def _enroll_by_hand(org: Organization, most: int) -> set[str]:
    """People put people into sections; returns the new pairs."""
    made: set[str] = set()
    for section in sorted(org.sections):
        for user in sorted(org.users):
            if len(made) < most and f"{section}|{user}" not in org.roster:
                ends = {"section": org.stored("section", section).lms_id, "user": org.stored("user", user).lms_id}
                org.lms.add("enrollment", "|".join(ends.values()), ends | {"admin": False})
                made.add(f"{section}|{user}")
    return made


def test_the_strategies_make_sound_districts() -> None:
    """Should the districts become trivial, the laws above would say nothing."""
    sizes: list[int] = []

    @given(districts())
    @settings(max_examples=30, database=None)
    def look(district: District) -> None:
        sizes.append(len(wanted_roster(district)))

    look()
    assert max(sizes) >= 3
