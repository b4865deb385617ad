"""What "dropped" means. Moodle tells a grade that a teacher excluded with the same status as one that a rule of its
category leaves out (the lowest ones, or all but the highest), and no function tells which rules there are
(grade_category::aggregate_grades, set_usedinaggregation). So the grades of the others must tell. Pure and total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rollbook.connectors.moodle.lenient import Json, decimal, flag, ident, text

TOTALS: Final = frozenset({"course", "category"})
DROPPED: Final = "dropped"
#: Of so many students whose lowest grades do not count: nobody excludes just these by hand.
_ENOUGH: Final = 3
_EXTRA: Final = "extra"

#: Grades by student and item.
Places = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class _Part:
    """One student's grades in one category: the share of the points by item, which of them do not count, and of which
    of these Moodle says so. `totals` are those that the student has, in the whole course; `sound`: these statuses are
    those of now, and no total is dropped."""

    student: str
    shares: Mapping[str, float]
    unused: frozenset[str]
    dropped: frozenset[str]
    totals: frozenset[str]
    sound: bool

    def shows(self, other: _Part) -> bool:
        """Here everything counts, so a rule that left something out there would have left something out here, too."""
        return self.sound and not self.unused and self._has_all_of(other)

    def _has_all_of(self, other: _Part) -> bool:
        return self.shares.keys() >= other.shares.keys() and self.totals >= other.totals


def judged(report: Mapping[str, Sequence[Json]]) -> tuple[Places, Places]:
    """Of grades with the status "dropped": those that are excluded for sure, and those that a rule leaves out for
    sure. Of the others nobody can say."""
    excluded: set[tuple[str, str]] = set()
    by_rule: set[tuple[str, str]] = set()
    for parts in _categories(report).values():
        if _is_rule(parts):
            by_rule |= {(each.student, item) for each in parts for item in each.unused}
            continue
        witnesses = [each for each in parts if each.sound and not each.unused]
        for part in parts:
            if part.dropped and any(each.shows(part) for each in witnesses):
                excluded |= {(part.student, item) for item in part.dropped}
    return frozenset(excluded), frozenset(by_rule)


def _categories(report: Mapping[str, Sequence[Json]]) -> dict[str, list[_Part]]:
    found: dict[str, list[_Part]] = {}
    for student, rows in report.items():
        totals = [row for row in rows if text(row.get("itemtype")) in TOTALS]
        for category in {ident(row.get("categoryid")) for row in rows} - {None}:
            part = _part(student, str(category), rows, totals)
            if part.shares:
                found.setdefault(str(category), []).append(part)
    return found


def _part(student: str, category: str, rows: Sequence[Json], totals: Sequence[Json]) -> _Part:
    """Extra credit is never left out by a rule. A grade without weight does not count: of two equal ones the one that
    is left out has no status."""
    mine = {
        own: row
        for row in rows
        if ident(row.get("categoryid")) == category and (own := ident(row.get("id"))) and _is_graded(row)
    }
    total = next((row for row in totals if ident(row.get("iteminstance")) == category), {})
    given = flag(total.get("gradeisoverridden")) or flag(total.get("gradeislocked")) or flag(total.get("locked"))
    return _Part(
        student=student,
        shares={own: _share(row) for own, row in mine.items()},
        unused=frozenset(own for own, row in mine.items() if _is_dropped(row) or not decimal(row.get("weightraw"))),
        dropped=frozenset(own for own, row in mine.items() if _is_dropped(row)),
        totals=frozenset(text(row.get("id")) for row in totals if decimal(row.get("graderaw")) is not None),
        sound=not given and not any(_is_dropped(row) for row in totals),
    )


def _is_graded(row: Json) -> bool:
    return text(row.get("status")) != _EXTRA and (decimal(row.get("graderaw")) is not None or _is_dropped(row))


def _is_dropped(row: Json) -> bool:
    return text(row.get("status")) == DROPPED


def _share(row: Json) -> float:
    return (decimal(row.get("graderaw")) or 0.0) / (decimal(row.get("grademax")) or 1.0)


def _is_rule(parts: Sequence[_Part]) -> bool:
    """Is it always the lowest grades of everybody that do not count, and as many of them as one rule says?"""
    cut = [each for each in parts if each.unused]
    if len(cut) < _ENOUGH or len({each.unused for each in cut}) == 1 or not all(each.sound for each in parts):
        return False
    sizes = [(len(each.shares), len(each.unused)) for each in parts]
    lowest, kept = max(cut for _, cut in sizes), min(all_ - cut for all_, cut in sizes if cut)
    return (
        all(cut == min(lowest, all_) for all_, cut in sizes) or all(cut == max(0, all_ - kept) for all_, cut in sizes)
    ) and all(
        max(share for item, share in each.shares.items() if item in each.unused)
        <= min((share for item, share in each.shares.items() if item not in each.unused), default=1e9)
        for each in cut
    )
