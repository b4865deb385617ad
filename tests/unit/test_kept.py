"""What is kept in memory is bounded, and nothing is kept of what failed."""

from __future__ import annotations

import pytest

from rollbook.store.kept import Kept


def test_a_value_is_made_once() -> None:
    kept: Kept[list[int]] = Kept(2)
    first = kept.get("a", lambda: [1])
    assert kept.get("a", lambda: [2]) is first


def test_what_was_asked_for_longest_ago_goes() -> None:
    kept: Kept[int] = Kept(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        kept.get(key, lambda value=value: value)
    assert [kept.get(key, lambda: 9) for key in ("a", "c", "b")] == [1, 4, 9]


def test_a_failure_is_not_kept() -> None:
    kept: Kept[int] = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 5) == 5
