"""Lanes: every change once, in calls that are not too large, and nothing shared by two that may be sent at once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.core.lanes import lanes

names = st.lists(st.one_of(st.none(), st.integers(0, 12)), max_size=120)


@given(named=names, bulk=st.integers(1, 20), at_once=st.integers(1, 5))
def test_what_shares_a_name_is_in_one_lane(named: list[int | None], bulk: int, at_once: int) -> None:
    found = lanes(named, bulk, at_once, lambda name: name)
    calls = [call for lane in found for call in lane]
    assert sorted(place for call in calls for place in call) == list(range(len(named)))
    assert all(0 < len(call) <= bulk for call in calls)
    assert all(call == sorted(call) for call in calls)
    if len(named) > bulk:
        theirs = [{named[place] for call in lane for place in call} - {None} for lane in found]
        assert max(Counter(name for lane in theirs for name in lane).values(), default=1) == 1


@given(number=st.integers(0, 100), bulk=st.integers(1, 20))
def test_without_names_calls_are_cut_off_in_order(number: int, bulk: int) -> None:
    found = lanes(range(number), bulk, 4)
    assert all(len(lane) == 1 for lane in found)
    assert [place for lane in found for call in lane for place in call] == list(range(number))
    assert [len(lane[0]) for lane in found[:-1]] == [bulk] * max(0, len(found) - 1)


def test_all_threads_are_busy_to_the_end() -> None:
    """A thousand enrollments of 200 people, five each, as sections are planned one after the other."""
    people = [place % 200 for place in range(1000)]
    found = lanes(people, 250, 4, lambda person: person)
    assert [sum(map(len, lane)) for lane in found] == [250] * 4
    assert [len(lane) for lane in found] == [1] * 4
    smaller = lanes(people, 100, 4, lambda person: person)
    assert len(smaller) == 12, "three rounds of four, not two and a half"
    assert max(sum(map(len, lane)) for lane in smaller) - min(sum(map(len, lane)) for lane in smaller) <= 5


@pytest.mark.parametrize(("number", "calls"), [(250, 1), (251, 4), (400, 4), (0, 0)])
def test_few_changes_are_few_calls(number: int, calls: int) -> None:
    found = lanes(range(number), 250, 4, lambda person: person)
    assert sum(map(len, found)) == calls


def test_one_name_alone_is_one_call_after_the_other() -> None:
    (lane,) = lanes(["all"] * 45, 20, 4, lambda name: name)
    assert [len(call) for call in lane] == [15, 15, 15]
