"""The laws on the LMS in memory: what holds for every district and every night. Districts are small, so that many are
tried."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook.connectors.memory.space import FAULTS
from rollbook.errors import RollbookError
from tests.districts import District, Organization
from tests.property import laws
from tests.property.laws import nights
from tests.property.memory_tenant import memory
from tests.property.strategies import Edit, districts, examples, until_quiet, wanted_roster


@given(districts(), nights)
@examples(4)
def test_applying_a_plan_reaches_the_desired_state_and_a_second_plan_is_empty(
    district: District, night: Sequence[Edit]
) -> None:
    with memory(district) as tenant:
        laws.reaches_and_rests(tenant, night)
        calls = tenant.org.lms.calls
        tenant.org.run()
        assert tenant.org.lms.calls - calls < 20


@given(districts(), nights, st.randoms(use_true_random=False))
@examples(3)
def test_the_order_of_rows_does_not_matter(district: District, night: Sequence[Edit], dice: random.Random) -> None:
    laws.order_is_nothing(memory, district, night, dice)


@given(districts(), nights, st.sampled_from(["A", "B"]))
@examples(3)
def test_unmapped_means_untouched(district: District, night: Sequence[Edit], school: str) -> None:
    with memory(district) as tenant:
        laws.unmapped_is_untouched(tenant, night, school)


@given(districts(), nights, st.integers(0, 3))
@examples(3)
def test_nothing_without_a_ledger_entry_is_removed(district: District, night: Sequence[Edit], extra: int) -> None:
    with memory(district) as tenant:
        laws.only_ours_is_removed(tenant, night, extra)


@given(districts(), nights, st.integers(0, 20), st.booleans())
@examples(4)
def test_killed_after_any_step_and_run_again_converges(
    district: District, night: Sequence[Edit], step: int, first_day: bool
) -> None:
    with memory(district) as tenant:
        laws.survives_death(tenant, night, step, first_day=first_day)


@pytest.mark.rule(28)
@given(districts(), nights, st.booleans())
@examples(5)
def test_an_undone_night_stays_undone(district: District, night: Sequence[Edit], live: bool) -> None:
    with memory(district) as tenant:
        laws.stays_undone(tenant, night, live=live)


@pytest.mark.rule(13)
@given(st.integers(1, 4), laws.leavings)
@examples(6)
def test_accounts_follow_the_days_that_people_are_gone(days: int, plan: Sequence[laws.Leaving]) -> None:
    district = laws.school_of(frozenset(laws.COME_AND_GO))
    with memory(district, limits={}, users={"deactivate_after": days}) as tenant:
        laws.accounts_follow_their_people(tenant, days, plan)


@given(districts(), nights, st.lists(st.sampled_from([*FAULTS, "none", "none"]), max_size=30), st.data())
@examples(4)
def test_lost_answers_and_refusals_at_random_converge(
    district: District, night: Sequence[Edit], faults: Sequence[str], data: st.DataObject
) -> None:
    with memory(district) as tenant:
        org = tenant.org
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
        tenant.check_reached()
        assert org.target.doubled == []


def stormy(org: Organization) -> None:
    """A run that may end in trouble; then what the next start does."""
    try:
        org.next_day().run()
    except RollbookError:
        if org.plan is not None:
            org.finish()


def test_the_strategies_make_sound_districts() -> None:
    """Should the districts become trivial, the laws above would say nothing."""
    sizes: list[int] = []

    @given(districts())
    @settings(max_examples=30, database=None)
    def look(district: District) -> None:
        sizes.append(len(wanted_roster(district)))

    look()
    assert max(sizes) >= 3
