"""When a run counts as unlike the runs before it: figures against their medians."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.store.happenings import Figures, deviations


def _figures(**changed: Any) -> Figures:
    usual: dict[str, Any] = {
        "read": {"user": 1000, "enrollment": 6000},
        "changes": 40,
        "findings": 70,
        "seconds": 120.0,
    }
    return Figures(**usual | changed)


BEFORE = [_figures(changes=number) for number in (30, 40, 50)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"read": {"user": 799, "enrollment": 6000}}, "users read: 799; the last 3 runs had 1000 (median)."),
        ({"read": {"user": 1201, "enrollment": 6000}}, "users read: 1201"),
        ({"changes": 140}, "Changes: 140; the last 3 runs had 40 (median)."),
        ({"findings": 150}, "Findings for 1,000 records: 21.4; the last 3 runs had 10.0 (median)."),
        ({"seconds": 420.0}, "Duration: 420 s; the last 3 runs had 120 s (median)."),
    ],
)
def test_what_deviates_is_named(changed: dict[str, Any], words: str) -> None:
    [found] = deviations(_figures(**changed), BEFORE)
    assert str(found).startswith(words)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"read": {"user": 801, "enrollment": 6000}},
        {"changes": 139},
        {"changes": 0},
        {"findings": 85},
        {"seconds": 418.0},
        {"seconds": 1.0},
    ],
)
def test_small_differences_are_nothing(changed: dict[str, Any]) -> None:
    assert not deviations(_figures(**changed), BEFORE)


def test_one_odd_run_before_does_not_shift_what_is_usual() -> None:
    odd = _figures(read={"user": 0, "enrollment": 0}, changes=9000, seconds=9000.0)
    assert not deviations(_figures(), [*BEFORE, odd])


@given(st.integers(0, 19), st.integers(0, 99), st.integers(0, 19))
def test_a_tiny_school_is_never_unlike_itself(users: int, changes: int, findings: int) -> None:
    small = Figures(read={"user": 0}, changes=0, findings=0, seconds=1.0)
    now = Figures(read={"user": users}, changes=changes, findings=findings, seconds=200.0)
    assert not deviations(now, [small] * 3)
