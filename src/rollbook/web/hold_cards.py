"""Holds as the pages show them: with their school, their reason in a sentence, and examples. Decides nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db.models import Count, Max, Prefetch, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.errors import RollbookError
from rollbook.store.models import HoldRow, HoldState, Run
from rollbook.store.plan_rows import examples
from rollbook.store.runs import stored_plan
from rollbook.web.access import Place
from rollbook.web.plan_words import ACTION_WORDS, SEVERAL, kind_of, row_words
from rollbook.web.plans import blobs
from rollbook.web.run_words import run_title
from rollbook.web.said import held_said
from rollbook.web.tags import thousands

STATE_WORDS: Final = {
    HoldState.WAITING: gettext_lazy("Waits for a decision"),
    HoldState.APPROVED: gettext_lazy("Approved"),
    HoldState.REJECTED: gettext_lazy("Rejected"),
    HoldState.SUPERSEDED: gettext_lazy("Replaced by a newer plan"),
    HoldState.PREVIEW: gettext_lazy("Only a preview"),
}
_EXAMPLES: Final = 3


def runs_of_holds() -> Prefetch[Any]:
    """The run of each hold, for `prefetch_related`: many holds, few runs, whose results are large and not needed."""
    return Prefetch("run", Run.objects.defer("result"))


def waiting_rows(place: Place) -> QuerySet[HoldRow]:
    """Everything that waits for a decision in the organization, the oldest first."""
    return HoldRow.objects.filter(organization=place.organization, state=HoldState.WAITING)


def waiting_marks(place: Place) -> list[Any]:
    """Of everything that waits, what a decision about all of it is held against (`seen_mark`): named tuples, which are
    made faster than a thousand records."""
    return list(waiting_rows(place).values_list("pk", "hold", "digest", "count", "state", named=True))


def waiting_total(place: Place) -> dict[str, int]:
    """How many holds wait, and how many changes they hold."""
    found = waiting_rows(place).order_by().aggregate(holds=Count("pk"), changes=Sum("count"))
    return {"holds": found["holds"], "changes": found["changes"] or 0}


def waiting_cards(place: Place, names: Mapping[str, str], first: int, most: int) -> list[dict[str, Any]]:
    """`most` waiting holds from the place `first` on, the oldest first."""
    return cards(list(waiting_rows(place).prefetch_related(runs_of_holds())[first : first + most]), names)


def cards(rows: Sequence[HoldRow], names: Mapping[str, str], most: int = _EXAMPLES) -> list[dict[str, Any]]:
    """Holds for a page, each with its first `most` rows (10 at most); without any where their plan is gone."""
    shown = _examples(rows, most)
    return [card(row, names) | {"examples": _in_words(shown.get(row.pk, ()), names)} for row in rows]


def card(row: HoldRow, names: Mapping[str, str]) -> dict[str, Any]:
    """One hold for a page."""
    return {
        "row": row,
        "place": _place(row, names),
        "does": ACTION_WORDS.get(row.action, row.action),
        "several": SEVERAL.get(row.kind, row.kind),
        "what": kind_of(row.kind, row.count),
        "sentence": held_said(row.reason, row.action),
        "state": STATE_WORDS[HoldState(row.state)],
        "title": run_title(row.run),
        "limit": row.reason == "limit",
    }


def hold_words(row: HoldRow, names: Mapping[str, str]) -> str:
    """One hold in a line, for a list to choose from."""
    does, what = ACTION_WORDS.get(row.action, row.action), kind_of(row.kind, row.count)
    return f"{_place(row, names)}: {does} {thousands(row.count)} {what.lower()}"


def _place(row: HoldRow, names: Mapping[str, str]) -> str:
    known = names.get(row.school or "", "") or " ".join(row.school_name.split()) or row.school
    return known or _("The whole organization")


def decided_rows(place: Place) -> Any:
    """Decisions of people, the last one first: `last` is the primary key of each one's newest row. A rejection is
    repeated by later runs that hold the very same changes; it is still one decision. Grouped and sorted as an index
    has them: there may be tens of thousands."""
    decided = HoldRow.objects.filter(
        organization=place.organization, decided_at__isnull=False, state__in=[HoldState.APPROVED, HoldState.REJECTED]
    )
    each = decided.order_by().values("decided_at", "hold").annotate(last=Max("pk"))
    return each.order_by("-decided_at", "-hold")


def _examples(rows: Sequence[HoldRow], most: int) -> dict[int, list[dict[str, Any]]]:
    """By primary key of a hold: rows of its run's plan."""
    by_plan: dict[tuple[str, str], list[HoldRow]] = defaultdict(list)
    for row in rows:
        by_plan[row.run_id, row.kind].append(row)
    found: dict[int, list[dict[str, Any]]] = {}
    for (_run, kind), some in by_plan.items():
        plan = stored_plan(some[0].run)
        if plan is None:
            continue
        try:
            held = examples(plan, blobs(), kind, [row.hold for row in some], most)
        except RollbookError:  # the file is gone: the hold is told without examples, and a run says what is wrong
            continue
        found |= {row.pk: held.get(row.hold, []) for row in some}
    return found


def _in_words(rows: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [row_words(row, outcome=None, names=names, holds={}, refused={}) for row in rows]
