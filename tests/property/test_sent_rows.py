"""Rows by what became of them: ranges tell the same as looking at every row."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from rollbook.core.stored import Group
from rollbook.store.sent_rows import sent_rows

_GROUPS = [Group("user", "create", 3, 14, 1), Group("user", "update", 20, 6, 1)]
_SENT = [*range(3, 17), *range(20, 26)]
_STATUS = st.sampled_from(["done", "refused", None])


@given(
    became=st.lists(_STATUS, min_size=30, max_size=30),
    wanted=_STATUS,
    inside=st.tuples(st.integers(0, 29), st.integers(0, 29)),
    most=st.integers(1, 9),
)
def test_ranges_tell_what_every_row_tells(
    became: list[str | None], wanted: str | None, inside: tuple[int, int], most: int
) -> None:
    spans: list[tuple[int, int, str]] = []
    at = 0
    for status, same in groupby(became):
        number = len(list(same))
        spans += [(at, at + number - 1, status)] if status else []
        at += number
    low, high = inside
    rows = [seq for seq in _SENT if low <= seq <= high and became[seq] == wanted]
    assert sent_rows(_GROUPS, spans, wanted, inside, most=most, last=False) == rows[:most]
    assert sent_rows(_GROUPS, spans, wanted, inside, most=most, last=True) == rows[-most:]
