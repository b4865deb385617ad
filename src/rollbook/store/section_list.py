"""A page of the list of all sections, and how many there are by state: without reading the others. Changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.db.models import Max, Q, QuerySet, Sum, Value
from django.db.models.functions import StrIndex

from rollbook.store.grade_words import HELPLESS, NOT_YET, QUEUED, RANKS
from rollbook.store.models import SectionCount, SectionLine

#: A filter for all that asks for a person.
HELP: Final = "help"
#: So many sections are found by a word; who finds more types more of it.
MOST_FOUND: Final = 5000
_RANKS: Final = {state: rank for rank, state in enumerate(RANKS)}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters; what is empty is not asked for. `state` is one of RANKS or HELP, `find` part of a title or a code."""

    state: str = ""
    school: str = ""
    find: str = ""


class SectionList:
    """The sections of a year (None: of the latest one that there is). `queued` are those whose grades are under way;
    None: all. They stand where they stood before."""

    def __init__(self, organization: int, year: str | None, queued: Collection[str] | None) -> None:
        mine = SectionLine.objects.filter(organization=organization)
        year = mine.aggregate(last=Max("year"))["last"] or "" if year is None else year
        self._mine = mine.filter(year=year)
        self._counts = SectionCount.objects.filter(organization=organization, year=year)
        self._queued = queued

    @cached_property
    def states(self) -> Counter[str]:
        """How many stand how, without filters."""
        found = self._counted("")
        if self._queued is None:
            return Counter({QUEUED: found.total()})
        if self._queued:
            lines = self._mine.filter(code__in=self._queued)
            moved = Counter(RANKS[rank] for rank in lines.values_list("rank", flat=True))
            found = found - moved + Counter({QUEUED: moved.total()})
        return found

    def _counted(self, school: str) -> Counter[str]:
        """Sums of what is kept, of one school or ("") of all."""
        rows = self._counts.filter(school=school) if school else self._counts
        ranks = dict(rows.order_by().values_list("rank").annotate(sum=Sum("number")))
        return Counter({state: max(0, ranks.get(rank, 0)) for state, rank in _RANKS.items()})

    def state(self, line: SectionLine) -> str:
        under_way = self._queued is None or line.code in self._queued
        return QUEUED if under_way else line.status or NOT_YET

    def numbered(self, wanted: Wanted) -> tuple[int, Sequence[int] | None]:
        """How many sections fit; and, where only going through them could tell, their primary keys in order."""
        known = not wanted.find and (not wanted.school or not wanted.state or self._queued == set())
        if known:
            states = self._counted(wanted.school) if wanted.school else self.states
            if wanted.state == HELP:
                return sum(states[state] for state in HELPLESS), None
            return states[wanted.state] if wanted.state else states.total(), None
        keys = list(self.lines_of(wanted).values_list("pk", flat=True)[:MOST_FOUND])
        return len(keys), keys

    def lines(self, wanted: Wanted, keys: Sequence[int] | None, start: int, size: int) -> Sequence[SectionLine]:
        """Lines in order, from the one numbered `start` (counting from 0)."""
        if keys is None:
            shown = list(self.lines_of(wanted).values_list("pk", flat=True)[start : start + size])
        else:
            shown = list(keys[start : start + size])
        rows = SectionLine.objects.in_bulk(shown)
        return [rows[key] for key in shown if key in rows]

    def lines_of(self, wanted: Wanted) -> QuerySet[SectionLine]:
        """All that fit, in the order of ranks and words: so lie they in the index, and nothing else is read."""
        found = self._of_state(wanted.state)
        if wanted.school:
            found = found.filter(school=wanted.school)
        if wanted.find:
            place = StrIndex("words", Value(wanted.find.casefold()))
            found = found.annotate(place=place).filter(place__gt=0)
        return found.order_by("rank", "words", "pk")

    def _of_state(self, state: str) -> QuerySet[SectionLine]:
        if not state:
            return self._mine
        if self._queued is None:
            return self._mine if state == QUEUED else self._mine.none()
        ranks = [_RANKS[one] for one in (HELPLESS if state == HELP else [state]) if one in _RANKS]
        waiting = Q(code__in=self._queued)
        if state == QUEUED:
            return self._mine.filter(waiting)
        return self._mine.filter(~waiting if self._queued else Q(), rank__in=ranks)
