"""One run's plan: counts by school, kind and action, every row field by field, a download, and sending it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.runs import is_undoable, moved_on, request_apply
from rollbook.core.stored import RunFigures, StoredPlan
from rollbook.errors import RollbookError, StalePlan
from rollbook.roster.lms import ACTIONS
from rollbook.roster.words import Words
from rollbook.store.held import doubt_words
from rollbook.store.models import HoldRow, PinRow, Run, RunState
from rollbook.store.plan_counts import PlanCounts, plan_counts
from rollbook.store.plan_rows import FATES, Chosen
from rollbook.store.runs import shown_result, stored_plan
from rollbook.store.school_names import SchoolNames
from rollbook.web.access import Place, Who, page
from rollbook.web.csv import csv_answer
from rollbook.web.error_words import error_said
from rollbook.web.hold_cards import hold_words
from rollbook.web.lists import lms_notes
from rollbook.web.plan_words import ACTION_WORDS, FATE_WORDS, SEVERAL, STATE_WORDS
from rollbook.web.plans import blackout_words_of, blobs, missing_steps, names_of, paged, place_steps, run_of, sums
from rollbook.web.row_pages import CSV_COLUMNS, chosen_rows, csv_lines, number_of, page_context, query_of
from rollbook.web.run_words import run_title
from rollbook.web.said import said
from rollbook.web.wording import sentence

_LINES: Final = 60
#: Holds that are offered to choose from.
_HOLDS: Final = 100


@page(read=Who.READER)
def show(request: HttpRequest, place: Place, run: str) -> HttpResponse:
    """A run and its plan."""
    found = run_of(place, run)
    names, plan, result = names_of(place), stored_plan(found), shown_result(found)
    context = _about(place, found, plan, result) | {"names": names}
    if plan is not None:
        try:
            context |= _plan(request, found, plan, names)
        except RollbookError as error:
            context["lost"] = error_said(error)
    return render(request, "plan_run.html", context)


@page(read=Who.READER)
def download(request: HttpRequest, place: Place, run: str) -> HttpResponseBase:
    """The chosen rows as CSV."""
    found = run_of(place, run)
    plan = stored_plan(found)
    if plan is None:
        raise Http404
    chosen = chosen_rows(request)
    lines = csv_lines(found, plan, chosen, names_of(place))
    return csv_answer(f"plan-{found.pk}.csv", CSV_COLUMNS, lines)


@page(write=Who.ACTING)
def send(request: HttpRequest, place: Place, run: str) -> HttpResponse:
    """Queue the sending of a dry run's plan."""
    found = run_of(place, run)
    if missing_steps(place_steps(place), to_send=True):
        messages.error(request, _("Finish the set-up first; Data Prep must have been looked at or skipped."))
        return redirect("plan_run", place.organization.slug, found.pk)
    despite = request.POST.get("despite_blackout") == "yes"
    try:
        request_apply(run_id=found.pk, by=account_by(place.account), despite_blackout=despite)
    except StalePlan:
        messages.error(
            request,
            _("Nothing was sent: since this plan was made, something was synced or the settings changed. Look again."),
        )
    except RollbookError as error:
        messages.error(request, _("Nothing was queued: %(why)s") % {"why": _plain(found, error)})
    else:
        messages.success(request, _("The plan is queued. Exactly these changes are sent, nothing else."))
        return redirect("plan", place.organization.slug)
    return redirect("plan_run", place.organization.slug, found.pk)


def _plain(run: Run, error: RollbookError) -> str:
    """The error without words of the command line."""
    if run.applied_by.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).exists():
        return _("this plan is being sent already.")
    words = error.args[0] if error.args else ""
    why = words.values.get("why") if isinstance(words, Words) else None
    return error_said(error) if why is None else sentence(said(why))


def _about(place: Place, run: Run, plan: StoredPlan | None, result: RunFigures) -> dict[str, Any]:
    """The run's head: what it is, what may be done with it, what somebody should know."""
    found = place_steps(place)
    sendable = run.dry_run and not run.preview_year and plan is not None and run.ended and run.state != RunState.FAILED
    return {
        "run": run,
        "title": run_title(run),
        "state": STATE_WORDS[run.state],
        "doubts": [sentence(said(words)) for _about, words in doubt_words(run, result)],
        "conflicts": result.conflicts,
        "sendable": sendable,
        "stale": moved_on(run) if sendable and found.settings is not None else [],
        "missing": missing_steps(found, to_send=True) if sendable else [],
        "notes": lms_notes(found.settings, "building", "course", "section"),
        "blackout": blackout_words_of(found) if sendable else "",
        "being_sent": sendable and run.applied_by.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).exists(),
        "undoable": is_undoable(run),
        "pins": bool(run.undo_of_id) and PinRow.objects.filter(run=run, ended_at__isnull=True).exists(),
    }


def _plan(request: HttpRequest, run: Run, plan: StoredPlan, names: SchoolNames) -> dict[str, Any]:
    counts, chosen = plan_counts(plan, blobs(), run.pk), chosen_rows(request)
    holds, more_holds = _holds(run, chosen)
    return {
        "totals": sums(counts, names, by_school=False),
        "per_school": _by_school(request, counts, names),
        "chosen": chosen,
        "filters": _filters(counts, names),
        "holds": [(hold, hold_words(row, names)) for hold, row in holds.items()],
        "more_holds": more_holds,
        "number": number_of(counts, chosen, holds),
        "query": query_of(chosen),
        **page_context(request, run, plan, chosen, names),
    }


def _holds(run: Run, chosen: Chosen) -> tuple[dict[str, HoldRow], bool]:
    """Those to choose from, by their ids: the first ones of the chosen school, kind and action, and the chosen one; and
    whether there are more of them."""
    every = (run.applies or run).holds.order_by("pk")
    given = {"school": chosen.school, "kind": chosen.kind, "action": chosen.action}
    some = list(
        every.filter(**{name: value for name, value in given.items() if value and "\0" not in value})[: _HOLDS + 1]
    )
    found = {row.hold: row for row in some[:_HOLDS]}
    if chosen.hold and chosen.hold not in found and "\0" not in chosen.hold:
        found |= {row.hold: row for row in every.filter(hold=chosen.hold)}
    return found, len(some) > _HOLDS


def _by_school(request: HttpRequest, counts: PlanCounts, names: SchoolNames) -> dict[str, Any]:
    table = sums(counts, names, by_school=True)
    lines = paged(table["lines"], request.GET.get("schools"), _LINES)
    return {"columns": table["columns"], "lines": list(lines), "page": lines}


def _filters(counts: PlanCounts, names: SchoolNames) -> dict[str, Any]:
    return {
        "schools": counts.choices(names),
        "kinds": [(kind, SEVERAL[kind]) for kind in counts.by_kind],
        "actions": [(action, ACTION_WORDS[action]) for action in ACTIONS if action in counts.actions],
        "fates": [(fate, FATE_WORDS[fate]) for fate in FATES],
    }


urlpatterns = [
    path("plan/<run>/", show, name="plan_run"),
    path("plan/<run>/rows.csv", download, name="plan_csv"),
    path("plan/<run>/send/", send, name="plan_send"),
]
