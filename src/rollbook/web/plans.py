"""What the pages about plans share: runs of the place, names of schools, counts as tables, what is under way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from rollbook.actions.blackout import blackout_today
from rollbook.roster.lms import ACTIONS
from rollbook.store.blobs import KeptBlobs, open_blobs
from rollbook.store.models import Run, RunState
from rollbook.store.plan_counts import PlanCounts
from rollbook.store.school_names import SchoolNames, school_names
from rollbook.store.setup import opened
from rollbook.web.access import Place
from rollbook.web.plan_words import ACTION_WORDS, FATE_WORDS, ONE, SEVERAL
from rollbook.web.said import said
from rollbook.web.steps import Steps, steps

#: URL names of set-up pages, as their tabs are called.
_STEPS: Final = ("select_sis", "configuration", "schools", "terms", "data_prep")
_HELD_BACK: Final = ("held", "waiting", "blocked")
_SHOWN: Final = 5


def run_of(place: Place, run_id: str) -> Run:
    """A run of the place's organization; else there is no such page."""
    mine = Run.objects.select_related("organization", "applies", "undo_of")
    mine = mine.defer("result", "applies__result", "undo_of__result")  # they are large, and few pages need them
    found = mine.filter(organization=place.organization, pk=run_id).first() if "\x00" not in run_id else None
    if found is None:
        raise Http404
    return found


def blobs() -> KeptBlobs:
    """The stored files of the open data folder."""
    return open_blobs(opened())


def names_of(place: Place) -> SchoolNames:
    """What the schools of the organization are called, by their ids in the SIS."""
    return school_names(place.organization.pk, blobs())


def under_way(place: Place) -> list[Run]:
    """The organization's runs that wait or work now, the oldest first; a few."""
    active = Run.objects.filter(organization=place.organization, state__in=[RunState.QUEUED, RunState.RUNNING])
    return list(active.defer("plan", "result")[:_SHOWN])


def missing_steps(found: Steps, *, to_send: bool) -> list[str]:
    """URL names of set-up pages that must be done first: all of them to send (rule 4); to look, not Data Prep."""
    return [name for name in found.missing() if to_send or name != "data_prep"]


def place_steps(place: Place) -> Steps:
    """How far the set-up of the organization is."""
    return steps(place.organization)


def blackout_words_of(found: Steps) -> str:
    """Today's blackout in words; empty when there is none."""
    words = blackout_today(found.settings, timezone.now()) if found.settings is not None else None
    return said(words) if words is not None else ""


def page_number(text: str | None) -> int:
    """A page's number from an address; 1 for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else 1


def paged(rows: Sequence[Any] | Any, number: str | None, most: int) -> Page[Any]:
    """A page of a list or query; the nearest one where there is none with this number."""
    return Paginator(rows, most).get_page(page_number(number))


@dataclass(frozen=True, kw_only=True)
class Part:
    """A page of rows of which nobody counts how many there are; for `plan/pages.html`."""

    rows: Sequence[Any]
    number: int
    has_next: bool

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def has_other_pages(self) -> bool:
        return self.has_next or self.has_previous

    @property
    def previous_page_number(self) -> int:
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        return self.number + 1


def part_of(rows: QuerySet[Any, Any], number: str | None, most: int) -> Part:
    """As `paged`, without counting tens of thousands of rows: only who asks for a page that is not there waits for
    that."""
    asked = max(1, page_number(number))
    found = list(rows[(asked - 1) * most : asked * most + 1])
    if not found and asked > 1:
        asked = max(1, -(-rows.count() // most))
        found = list(rows[(asked - 1) * most : asked * most + 1])
    return Part(rows=found[:most], number=asked, has_next=len(found) > most)


class _Lines(Sequence[dict[str, Any]]):
    """Lines of a table, made when they are looked at: a district has thousands, a page shows a few."""

    def __init__(self, keys: Sequence[tuple[str, str]], line: Callable[[tuple[str, str]], dict[str, Any]]) -> None:
        self._keys, self._line = keys, line

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._line(key) for key in self._keys[place]]
        return self._line(self._keys[place])


def sums(counts: PlanCounts, names: SchoolNames, *, by_school: bool) -> dict[str, Any]:
    """A table: a line a kind, or a school and kind; a column an action that goes out, and held, waiting, blocked."""
    columns = [name for name in (*ACTIONS, *_HELD_BACK) if name in counts.columns]
    keys = counts.lines(names) if by_school else [("", kind) for kind in counts.by_kind]

    def line_of(key: tuple[str, str]) -> dict[str, Any]:
        school, kind = key
        numbers = counts.of(school, kind) if by_school else counts.by_kind[kind]
        return {
            "school": school,
            "school_name": names.label(school) or _("The whole organization"),
            "kind": kind,
            "several": SEVERAL[kind],
            "one": ONE[kind],
            "numbers": [numbers.get(name, 0) for name in columns],
            "total": sum(numbers.values()),
        }

    return {
        "columns": [ACTION_WORDS.get(name) or FATE_WORDS[name] for name in columns],
        "lines": _Lines(keys, line_of),
    }
