"""Plan: what would change, from the newest plan; asking for a fresh one."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.actions.accounts import account_by
from rollbook.actions.runs import Wanted, request_run
from rollbook.core.stored import RunFigures
from rollbook.errors import RollbookError
from rollbook.roster.lms import ACTIONS
from rollbook.store.models import Run
from rollbook.store.plan_counts import plan_counts
from rollbook.store.results import figures_text, part
from rollbook.store.runs import stored_plan
from rollbook.store.school_names import SchoolNames
from rollbook.web.access import Place, Who, page
from rollbook.web.ended import load_anew
from rollbook.web.error_words import error_said
from rollbook.web.hold_cards import waiting_cards, waiting_total
from rollbook.web.plan_words import STATE_WORDS
from rollbook.web.plans import blobs, missing_steps, names_of, paged, place_steps, sums, under_way
from rollbook.web.run_words import run_title, stage_words

_OLDER: Final = 20
_FIRST_HOLDS: Final = 5
KINDS_TO_TICK: Final = (
    ("users", gettext_lazy("Users")),
    ("courses", gettext_lazy("Courses")),
    ("sections", gettext_lazy("Sections and enrollments")),
)


class LookForm(forms.Form):
    """Which part of the roster to plan; nothing ticked is all of it."""

    kinds = forms.MultipleChoiceField(choices=KINDS_TO_TICK, required=False)

    def __init__(self, *given: Any, names: SchoolNames, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["schools"] = forms.MultipleChoiceField(choices=names.by_name, required=False)

    def wanted(self) -> Wanted:
        """Of a form that is valid."""
        kinds = self.cleaned_data["kinds"]
        everything = len(kinds) in (0, len(KINDS_TO_TICK))
        return Wanted(kinds=("all",) if everything else kinds, schools=self.cleaned_data["schools"], dry_run=True)


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return _shown(request, place, LookForm(names=names_of(place)))


@page(write=Who.ACTING)
def look(request: HttpRequest, place: Place) -> HttpResponse:
    """Queue a dry run."""
    form = LookForm(request.POST, names=names_of(place))
    if not form.is_valid():
        return _shown(request, place, form)
    if missing_steps(place_steps(place), to_send=False):
        messages.error(request, _("Finish the set-up first: without it there is nothing to plan from."))
        return redirect("plan", place.organization.slug)
    try:
        request_run(org=place.organization.slug, wanted=form.wanted(), by=account_by(place.account))
    except RollbookError as error:
        messages.error(request, error_said(error))
    else:
        messages.success(request, _("A dry run is queued. It sends nothing; its plan shows up on this page."))
    return redirect("plan", place.organization.slug)


@page(read=Who.READER)
def working(request: HttpRequest, place: Place) -> HttpResponse:
    """The part of a page that says what is under way. When a run that it knew has ended, the page is loaded anew."""
    runs = under_way(place)
    answer = render(request, "plan/working.html", {"runs": working_runs(runs)})
    known = set(filter(None, request.GET.get("seen", "").split(",")))
    if known - {run.pk for run in runs}:
        load_anew(answer)
    return answer


def _shown(request: HttpRequest, place: Place, form: LookForm) -> HttpResponse:
    names = names_of(place)
    found = place_steps(place)
    older = paged(
        _plans(place).defer("plan", "result", "figures").annotate(result_text=figures_text()),
        request.GET.get("older"),
        _OLDER,
    )
    more = {
        "form": form,
        "missing": missing_steps(found, to_send=False),
        "newest": _newest(place, names),
        "older": older,
        "older_runs": [_line(run, part(run.result_text, RunFigures)) for run in older],
        "runs": working_runs(under_way(place)),
        "holds": waiting_cards(place, names, 0, _FIRST_HOLDS),
        "waiting": waiting_total(place),
    }
    return render(request, "plan.html", more)


def _plans(place: Place) -> QuerySet[Run]:
    mine = Run.objects.filter(organization=place.organization, plan__isnull=False, preview_year="")
    return mine.order_by("-created_at", "-pk")


def _newest(place: Place, names: SchoolNames) -> dict[str, Any] | None:
    run = _plans(place).defer("result").first()
    plan = stored_plan(run) if run is not None else None
    if run is None or plan is None:
        return None
    try:
        counts = sums(plan_counts(plan, blobs(), run.pk), names, by_school=False)
    except RollbookError as error:
        return {"run": run, "title": run_title(run), "state": STATE_WORDS[run.state], "lost": error_said(error)}
    return {"run": run, "title": run_title(run), "state": STATE_WORDS[run.state], "counts": counts}


def _line(run: Run, told: RunFigures) -> dict[str, Any]:
    changes = sum(counts.get(name, 0) for counts in told.kinds.values() for name in (*ACTIONS, "held"))
    return {"run": run, "title": run_title(run), "state": STATE_WORDS[run.state], "changes": changes}


def working_runs(runs: list[Run]) -> list[dict[str, Any]]:
    """For plan/working.html."""
    return [
        {
            "run": run,
            "title": run_title(run),
            "state": STATE_WORDS[run.state],
            "stage": stage_words((run.progress or {}).get("stage", "")),
        }
        for run in runs
    ]


urlpatterns = [
    path("plan/", show, name="plan"),
    path("plan/look/", look, name="plan_look"),
    path("plan/working/", working, name="plan_working"),
]
