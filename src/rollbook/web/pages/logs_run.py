"""One run under Logs: what was asked, what came of it, what is wrong and who must do what; and its downloads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path

from rollbook.core.stored import StoredPlan
from rollbook.errors import BlobLost
from rollbook.roster.changes import REFUSED
from rollbook.roster.grades import ALL_KINDS
from rollbook.store.models import Run
from rollbook.store.outcome_spans import answers, spans
from rollbook.store.plan_rows import Chosen, rows_in_parts
from rollbook.store.refusals import refused_among
from rollbook.store.runs import stored_plan, stored_result
from rollbook.web.access import Place, Who, page
from rollbook.web.csv import csv_answer
from rollbook.web.error_words import error_said
from rollbook.web.plan_words import change_text
from rollbook.web.run_findings import COLUMNS, finding_lines
from rollbook.web.run_page import run_context
from rollbook.web.run_words import SYNC_TYPES
from rollbook.web.runs_shown import Asked, asked, find_run, names_of, stored_files

_AT_ONCE: Final = 2000
CHANGES: Final = (
    "row", "kind", "action", "school", "school name", "key", "new key", "LMS id",
    "before", "after", "in the plan", "what became of it", "the LMS said", "refused since", "in runs",
)  # fmt: skip


@page(read=Who.READER)
def show(request: HttpRequest, place: Place, run: str) -> HttpResponse:
    return render(request, "logs_run.html", run_context(place, find_run(place, run), asked(request)))


Lines = Iterator[Sequence[Any]]


@page(read=Who.READER)
def findings(request: HttpRequest, place: Place, run: str) -> HttpResponseBase:
    """All findings of a run, or those of a school and sync type, as CSV."""
    found, wanted = find_run(place, run), asked(request)
    collections = SYNC_TYPES[wanted.sync].collections if wanted.sync else ()

    def lines() -> Lines:
        blob = stored_result(found).findings_blob
        if blob is None:
            return iter(())
        file = stored_files().get(blob, "the findings of this run")
        return finding_lines(file, school=wanted.school, collections=collections)

    return _download(request, place, found, "findings", columns=(*COLUMNS, "what is wrong", "what to do"), lines=lines)


@page(read=Who.READER)
def changes(request: HttpRequest, place: Place, run: str) -> HttpResponseBase:
    """All rows of a run's plan with what became of them, or those of a school and sync type, as CSV."""
    found, wanted = find_run(place, run), asked(request)
    return _download(request, place, found, "changes", columns=CHANGES, lines=lambda: _changes(place, found, wanted))


@page(read=Who.READER)
def refusals(request: HttpRequest, place: Place, run: str) -> HttpResponseBase:
    """What the LMS refused in this run, in its words, as CSV."""
    found, wanted = find_run(place, run), asked(request)
    found_lines = functools.partial(_changes, place, found, wanted, "refused")
    return _download(request, place, found, "refusals", columns=CHANGES, lines=found_lines)


def _download(
    request: HttpRequest, place: Place, run: Run, what: str, *, columns: Sequence[str], lines: Callable[[], Lines]
) -> HttpResponseBase:
    try:
        found = lines()
    except BlobLost as error:
        messages.error(request, error_said(error))
        return redirect("logs_run", place.organization.slug, run.pk)
    return csv_answer(f"{place.organization.slug}-{run.pk}-{what}.csv", columns, found)


def _changes(place: Place, run: Run, wanted: Asked, fate: str = "") -> Lines:
    """Raises BlobLost at once, not in the middle of a download."""
    plan = stored_plan(run)
    if plan is None:
        return iter(())
    kinds = [kind for kind in ALL_KINDS if kind in plan.files and _is_wanted(kind, wanted)]
    for kind in kinds:
        stored_files().get(plan.files[kind], f"the plan of {kind}")
    chosen = [Chosen(kind=kind, school=wanted.school or None, fate=fate) for kind in kinds]
    return chain.from_iterable(_change_lines(place, run, plan, one) for one in chosen)


def _is_wanted(kind: str, wanted: Asked) -> bool:
    return not wanted.sync or kind in SYNC_TYPES[wanted.sync].kinds


def _change_lines(place: Place, run: Run, plan: StoredPlan, chosen: Chosen) -> Lines:
    names = names_of(place)
    known = spans(run, plan.digest) if chosen.fate else ()
    for rows in rows_in_parts(plan, stored_files(), chosen, outcomes=known, at_once=_AT_ONCE):
        told = answers(run.pk, plan.digest, [row["seq"] for row in rows])
        refused = refused_among(run, {(row["kind"], row["key"]) for row in rows})
        for row in rows:
            outcome = told.get(row["seq"])
            since = refused.get((row["kind"], row["key"])) if outcome and outcome.status == REFUSED else None
            yield (
                row["seq"], row["kind"], row["action"], row["school"], names.get(row["school"] or "", ""),
                row["key"], row["new_key"], row["lms_id"], change_text(row, "before"), change_text(row, "after"),
                row["state"], outcome.status if outcome else None, outcome.message if outcome else None,
                since["since"] if since else None, since["runs"] if since else None,
            )  # fmt: skip


urlpatterns = [
    path("logs/<run>/", show, name="logs_run"),
    path("logs/<run>/findings.csv", findings, name="logs_findings"),
    path("logs/<run>/changes.csv", changes, name="logs_changes"),
    path("logs/<run>/refusals.csv", refusals, name="logs_refusals"),
]
