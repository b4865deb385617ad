"""Pages of a plan's rows: which ones the address asks for, and those rows in words. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.http import HttpRequest
from django.utils.http import urlencode

from rollbook.core.changes_table import BLOCKED, HELD
from rollbook.core.guard import reason_of
from rollbook.core.stored import StoredPlan
from rollbook.roster.grades import ALL_KINDS
from rollbook.roster.lms import ACTIONS
from rollbook.store.models import Run
from rollbook.store.outcome_spans import Span, answers, spans
from rollbook.store.plan_counts import PlanCounts
from rollbook.store.plan_rows import FATES, Chosen, page_before, page_of_rows, rows_in_parts
from rollbook.store.refusals import refused_among
from rollbook.web.plan_words import change_text, row_words
from rollbook.web.plans import blobs
from rollbook.web.said import held_said

ROWS: Final = 50
#: What a download has of each row.
CSV_COLUMNS: Final = (
    "row", "kind", "action", "school", "school name", "name", "key", "new key", "LMS id",
    "before", "after", "what became of it", "why",
)  # fmt: skip


def chosen_rows(request: HttpRequest) -> Chosen:
    """What the address asks for; what it cannot ask for is left out."""

    def one_of(name: str, allowed: Sequence[str]) -> str:
        return value if (value := request.GET.get(name, "")) in allowed else ""

    return Chosen(
        kind=one_of("kind", tuple(ALL_KINDS)),
        action=one_of("action", ACTIONS),
        school=request.GET.get("school") or None,
        fate=one_of("outcome", FATES),
        hold=request.GET.get("hold", ""),
    )


def query_of(chosen: Chosen) -> str:
    """The address's part that asks for the same rows."""
    given = {
        "school": chosen.school,
        "kind": chosen.kind,
        "action": chosen.action,
        "outcome": chosen.fate,
        "hold": chosen.hold,
    }
    return urlencode({name: value for name, value in given.items() if value})


def number_of(counts: PlanCounts, chosen: Chosen, holds: Mapping[str, Any]) -> int | None:
    """How many rows there are; None where that is not known without reading them all."""
    if chosen.fate and chosen.fate not in (HELD, BLOCKED):
        return None
    if chosen.hold and chosen == Chosen(hold=chosen.hold):
        return holds[chosen.hold].count if chosen.hold in holds else 0
    if chosen.hold:
        return None
    return counts.number(kind=chosen.kind, school=chosen.school, action=chosen.action, state=chosen.fate)


def page_context(
    request: HttpRequest, run: Run, plan: StoredPlan, chosen: Chosen, names: Mapping[str, str]
) -> dict[str, Any]:
    """A page of rows, and where the next and the previous one begin."""
    outcomes = _outcomes(run, plan, chosen)
    before, after = _seq(request.GET.get("before")), _seq(request.GET.get("after"))
    if before is not None:
        rows = page_before(plan, blobs(), chosen, most=ROWS + 1, before=before, outcomes=outcomes)
        more_before, more_after, rows = len(rows) > ROWS, True, rows[-ROWS:]
    else:
        start = -1 if after is None else after
        rows = page_of_rows(plan, blobs(), chosen, most=ROWS + 1, after=start, outcomes=outcomes)
        more_before, more_after, rows = after is not None, len(rows) > ROWS, rows[:ROWS]
    return {
        "rows": _in_words(run, plan, rows, names),
        "previous": rows[0]["seq"] if rows and more_before else None,
        "next": rows[-1]["seq"] if rows and more_after else None,
        "first": before is None and after is None,
    }


def _outcomes(run: Run, plan: StoredPlan, chosen: Chosen) -> Sequence[Span]:
    return spans(run, plan.digest) if chosen.fate not in ("", HELD, BLOCKED) else ()


def _in_words(
    run: Run, plan: StoredPlan, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    told = answers(run.pk, plan.digest, [row["seq"] for row in rows])
    refused = refused_among(run, {(row["kind"], row["key"]) for row in rows})
    named = {row["reason"].removeprefix(reason_of("")) for row in rows if row["reason"]}
    held = (run.applies or run).holds.filter(hold__in=named).values_list("hold", "reason", "action")
    holds = {hold: held_said(reason, action) for hold, reason, action in held}
    return [row_words(row, outcome=told.get(row["seq"]), names=names, holds=holds, refused=refused) for row in rows]


def _seq(text: str | None) -> int | None:
    if not text or not text.isascii() or not text.isdigit() or len(text) > 18:
        return None
    return int(text)


def csv_lines(run: Run, plan: StoredPlan, chosen: Chosen, names: Mapping[str, str]) -> Iterator[Sequence[Any]]:
    """All chosen rows, as CSV_COLUMNS has them."""
    for rows in rows_in_parts(plan, blobs(), chosen, outcomes=_outcomes(run, plan, chosen)):
        for row in _in_words(run, plan, rows, names):
            yield (
                row["seq"], row["kind"], row["action"], row["school"], names.get(row["school"] or "", ""),
                row["who"], row["key"], row["new_key"], row["lms_id"], change_text(row, "before"),
                change_text(row, "after"), row["fate_words"], row["why"],
            )  # fmt: skip
