"""Cuts a slice into bulk calls, and says which of them must follow each other. Pure; sends nothing."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item")

#: Calls that follow each other, as the places of their changes in the slice.
Lane = list[list[int]]


def lanes(
    items: Sequence[Item], bulk: int, at_once: int, apart: Callable[[Item], Hashable | None] | None = None
) -> list[Lane]:
    """Every place once, in calls of at most `bulk`, in order within a call. Lanes may be under way at once.

    Without `apart` each call is a lane, cut off in order. With it, items of one name are in one lane, so no two calls
    that are under way at once share a name; lanes are about equally long, and as many as keep `at_once` threads busy
    to the end. Items without a name (None) go anywhere.
    """
    if apart is None or len(items) <= bulk:
        return [[list(range(start, min(start + bulk, len(items))))] for start in range(0, len(items), bulk)]
    groups: dict[Hashable, list[int]] = {}
    for place, item in enumerate(items):
        name = apart(item)
        groups.setdefault(("alone", place) if name is None else ("named", name), []).append(place)
    calls = -(-len(items) // bulk)
    filled = _spread(list(groups.values()), -(-calls // at_once) * at_once)
    return [_cut(sorted(places), bulk) for places in filled]


def _spread(groups: list[list[int]], number: int) -> list[list[int]]:
    """The groups over so many piles, the largest first and each onto the lowest pile; without empty piles, in the order
    of their first places."""
    piles: list[list[int]] = [[] for _ in range(number)]
    heights = [(0, pile) for pile in range(number)]
    for group in sorted(groups, key=len, reverse=True):
        height, pile = heapq.heappop(heights)
        piles[pile] += group
        heapq.heappush(heights, (height + len(group), pile))
    return sorted((pile for pile in piles if pile), key=min)


def _cut(places: list[int], bulk: int) -> Lane:
    """In equal parts: a rest of two would be a call of its own, too."""
    parts = -(-len(places) // bulk)
    ends = [len(places) * part // parts for part in range(parts + 1)]
    return [places[start:end] for start, end in pairwise(ends)]
