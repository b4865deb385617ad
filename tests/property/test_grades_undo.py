"""The laws of undoing grades: an undo gives back what was there before, another one what the run had made of it, and
nothing else is touched (rule 28)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.roster.grades import SinkLimits
from tests.gradebooks import School
from tests.property.strategies import examples
from tests.property.test_grades import LIMITS, STUDENTS, Act, a_school, act, state, terms

DELETING = LIMITS[:2]


def book(school: School) -> dict[str, dict[str, Any]]:
    """What the SIS holds, without days and words that only the SIS has."""
    names = {"date"}
    return {
        kind: {
            own: {name: value for name, value in fields.items() if name not in names and value is not None}
            for own, fields in copy.deepcopy(records).items()
        }
        for kind, records in zip(("line_item", "result"), state(school), strict=True)
    }


@given(terms, terms, st.sampled_from(DELETING))
@examples(15)
@pytest.mark.rule(28)
def test_an_undo_and_its_undo(first: Sequence[Act], then: Sequence[Act], limits: SinkLimits) -> None:
    with a_school(limits) as school:
        act(school, first)
        school.sync()
        before = book(school)
        act(school, then)
        school.sync()
        after = book(school)
        run = school.world.runs
        assert school.undo().conflicts == {}
        assert book(school) == before
        school.sync()
        assert school.sent == [], "the LMS says the same as then"
        assert book(school) == before
        assert school.undo(run + 1).conflicts == {}
        assert book(school) == after
        assert school.world.pins.pins == {}
        school.sync()
        assert school.sent == []


@given(terms, terms, st.dictionaries(st.sampled_from(STUDENTS), st.sampled_from([0.0, 3.0]), max_size=2))
@examples(12)
@pytest.mark.rule(28)
def test_what_somebody_changed_in_the_sis_is_left_alone(
    first: Sequence[Act], then: Sequence[Act], typed: dict[str, float]
) -> None:
    with a_school(DELETING[1]) as school:
        act(school, first)
        school.sync()
        act(school, then)
        school.sync()
        touched = {}
        for own, fields in school.sis.records["result"].items():
            if fields["student"] in typed and fields["score"] != typed[fields["student"]]:
                touched[own] = {**fields, "score": typed[fields["student"]]}
        school.sis.records["result"] |= touched
        there = copy.deepcopy(school.sis.records["line_item"])
        school.undo()
        held = school.sis.records["result"]
        assert {own: held.get(own) for own in touched} == touched
        items = {fields["line_item"] for fields in touched.values()}
        assert items <= school.sis.records["line_item"].keys() & there.keys()


@given(terms, st.sampled_from(STUDENTS))
@examples(8)
@pytest.mark.rule(28)
def test_the_undo_for_one_student_touches_nobody_else(first: Sequence[Act], student: str) -> None:
    with a_school(DELETING[1]) as school:
        act(school, first)
        school.sync()
        before = copy.deepcopy(state(school))
        school.undo(persons=(student,))
        items, results = state(school)
        assert items == before[0]
        assert results == {own: one for own, one in before[1].items() if one["student"] != student}
