"""The category map of a section: what is undecided, what is gone, and how a map is carried over. Pure.

A map names for each grading category of the LMS the SIS category that its items belong to; many may name one, and SKIP
is a choice as well: its items are not sent. Nothing of a section is sent while a category with items is undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rollbook.passback.grade_types import NEW, OPT_OUT, SKIP, SectionWish
from rollbook.roster.grades import Gradebook, GradedItem, GradingCategory, SisCategory


def undecided(book: Gradebook, wish: SectionWish) -> list[GradingCategory]:
    """LMS categories with published items that nobody opted out of and of which nobody has said where they go, in the
    order of the gradebook."""
    used = {item.category for item in book.items if counts(item, wish)}
    known = {category.id: category for category in book.categories}
    missing = [GradingCategory(id=each, title=each) for each in sorted({*used} - {None, *known}, key=str) if each]
    return [each for each in (*book.categories, *missing) if each.id in used and each.id not in wish.categories]


def counts(item: GradedItem, wish: SectionWish) -> bool:
    """Does this item ask for a decision about its category?"""
    return item.published and item.category is not None and wish.choices.get(item.id) != OPT_OUT


def carried_over(
    before: Iterable[tuple[Sequence[GradingCategory], Sequence[SisCategory], Mapping[str, str]]],
    lms: Sequence[GradingCategory],
    sis: Sequence[SisCategory],
) -> dict[str, str]:
    """A map for these categories from the maps of other sections, the latest first: by the titles of both sides,
    whatever their case. Only where a title names one category; the rest stays undecided."""
    wanted: dict[str, str] = {}
    for their_lms, their_sis, chosen in before:
        titles = {each.id: _title(each.title) for each in their_sis}
        for each in their_lms:
            target = chosen.get(each.id)
            if target in (SKIP, NEW):
                wanted.setdefault(_title(each.title), target or SKIP)
            elif target and titles.get(target):
                wanted.setdefault(_title(each.title), titles[target])
    there = _unique((each.id, each.title) for each in sis)
    found: dict[str, str] = {}
    for title, lms_id in _unique((each.id, each.title) for each in lms).items():
        target = wanted.get(title)
        if target is not None and (target in (SKIP, NEW) or target in there):
            found[lms_id] = target if target in (SKIP, NEW) else there[target]
    return found


def _unique(categories: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of (id, title) pairs: titles that only one has, with its id."""
    named = [(_title(title), id) for id, title in categories]
    titles = [title for title, _ in named]
    return {title: id for title, id in named if titles.count(title) == 1}


def _title(text: str) -> str:
    return " ".join(text.split()).casefold()
