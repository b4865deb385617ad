"""Small pieces of work, a few at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rollbook.core.side_by_side import side_by_side


@pytest.mark.parametrize("number", [0, 1, 3, 1000])
def test_what_is_made_comes_in_the_order_of_the_pieces(number: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert side_by_side(lambda piece: piece * 2, range(number), pool, 4) == [2 * one for one in range(number)]


def test_each_piece_is_done_once_and_begun_in_order() -> None:
    begun: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        side_by_side(begun.append, range(200), pool, 4)
    assert begun == list(range(200))


def test_so_many_are_under_way_at_once_and_no_more() -> None:
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(3, timeout=20)

    def work(piece: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()  # passes only when three are here
        with lock:
            now -= 1

    with ThreadPoolExecutor(8) as pool:
        side_by_side(work, range(30), pool, 3)
    assert most == 3


def test_what_a_piece_raises_is_raised() -> None:
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        side_by_side(lambda piece: 1 // piece, [1, 0, 1], pool, 2)
