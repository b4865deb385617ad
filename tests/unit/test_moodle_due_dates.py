"""Until when Moodle's activities are to be done, from whatever it tells of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.connectors.moodle.due_dates import of_assignments, of_contents


def activity(kind: str, *dates: tuple[str, int], own: str = "", instance: Any = 5) -> dict[str, Any]:
    told = [{"label": "…", "timestamp": at} | ({"dataid": name} if name else {}) for name, at in dates]
    return {"id": 9, "modname": kind, "instance": instance, "dates": told, "customdata": own}


def due(module: dict[str, Any]) -> int | None:
    found = of_contents([{"id": 1, "modules": []}, {"id": 2, "modules": [module]}])
    assert set(found) <= {(module["modname"], "5")}
    return next(iter(found.values()), None)


@pytest.mark.parametrize(
    "module",
    [
        activity("assign", ("allowsubmissionsfromdate", 10), ("duedate", 20)),
        activity("quiz", ("timeopen", 10), ("timeclose", 20)),
        activity("lesson", ("available", 10), ("deadline", 20)),
        activity("workshop", ("submissionstart", 5), ("submissionend", 20), ("assessmentend", 30)),
        activity("forum", ("", 20), own='{"duedate":"20","cutoffdate":"30"}'),
        activity("scorm", ("", 10), ("", 20), own='{"timeopen":"10","timeclose":"20"}'),
        activity("quiz", own='{"timeclose":20}'),
        activity("assign", ("duedate", 20), own='{"duedate":"15"}'),
        activity("quiz", ("timeclose", 20), instance="5"),
    ],
)
def test_each_kind_has_a_field_that_says_so(module: dict[str, Any]) -> None:
    assert due(module) == 20


@pytest.mark.parametrize(
    "module",
    [
        activity("quiz", ("timeopen", 10)),
        activity("quiz", ("timeclose", 0)),
        activity("forum", ("", 20)),
        activity("assign", own='{"cutoffdate":"30"}'),
        activity("page", own='""'),
        activity("page", own="not JSON"),
        activity("quiz", ("timeclose", 20), instance=None),
        {"modname": "quiz", "instance": 5, "dates": None},
    ],
)
def test_what_says_nothing_has_none(module: dict[str, Any]) -> None:
    assert due(module) is None


def test_assignments_alone() -> None:
    rows = [{"id": 5, "duedate": 20}, {"id": 6, "duedate": 0}, {"id": None, "duedate": 7}]
    assert of_assignments({"courses": [{"assignments": rows}]}) == {("assign", "5"): 20}


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["modules", "dates", "dataid", "timestamp", "customdata", "instance", "modname", "courses"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_ODD)
def test_odd_answers_are_no_trouble(answer: Any) -> None:
    for read in (of_contents, of_assignments):
        assert all(isinstance(at, int) and at for at in read(answer).values())
