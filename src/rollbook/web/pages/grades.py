"""Grades: all sections whose grades go back to the SIS, with how they stand, for administrators; starting runs of them,
and the teachers who need help. The pages of one section are in `grades_section` and its neighbours."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rollbook.actions.accounts import account_by
from rollbook.actions.blackout import blackout_today
from rollbook.actions.grades import GradesWanted, request_grades
from rollbook.errors import ConfigError
from rollbook.store.grade_words import RANKS
from rollbook.store.models import River, Run, RunState
from rollbook.store.section_list import HELP
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.grade_help import who_needs_help
from rollbook.web.grade_sections import sections_page
from rollbook.web.grade_words import SECTION_STANDS
from rollbook.web.paging import kept_query
from rollbook.web.run_words import STATE_WORDS, run_title
from rollbook.web.runs_shown import names_of
from rollbook.web.steps import steps
from rollbook.web.teacher_permission import who_is_to_be_asked

PREVIEW, SYNC, AGAIN = "preview", "sync", "again"
_MOST_TICKED: Final = 500


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return _show(request, place, request.GET)


@page(write=Who.ACTING)
def send(request: HttpRequest, place: Place) -> HttpResponse:
    """Queues a run, or a dry run, of the ticked sections, or of all."""
    do, every = request.POST.get("do"), request.POST.get("every") == "1"
    ticked = sorted(set(request.POST.getlist("section")))[:_MOST_TICKED]
    if do not in (PREVIEW, SYNC, AGAIN):
        return redirect(_here(place, request.POST))
    if not ticked and not every:
        return _show(request, place, request.POST, refused=_("Tick at least one section first."))
    wanted = GradesWanted(
        dry_run=do == PREVIEW,
        retry_refused=do == AGAIN,
        despite_blackout=request.POST.get("despite_blackout") == "1" and do != PREVIEW,
    )
    waiting = set(_open_runs(place).values_list("pk", flat=True))
    sections = () if every else ticked
    try:
        run = request_grades(
            org=place.organization.slug, sections=sections, by=account_by(place.account), wanted=wanted
        )
    except ConfigError as error:
        return _show(request, place, request.POST, refused=error_said(error))
    messages.info(request, _run_words(run, wanted, joined=run.pk in waiting))
    return redirect("logs_run", place.organization.slug, run.pk)


@page(read=Who.READER)
def teachers(request: HttpRequest, place: Place) -> HttpResponse:
    """Teachers with sections that ask for a person, those with most first."""
    context = who_is_to_be_asked(place.organization) | who_needs_help(place.organization, request.GET)
    return render(request, "grades/teachers.html", context)


def _show(request: HttpRequest, place: Place, given: QueryDict, *, refused: str = "") -> HttpResponse:
    names = names_of(place)
    found = sections_page(place.organization, names, given)
    done = steps(place.organization)
    context: dict[str, Any] = {
        "found": found,
        "refused": refused,
        "help": sum(found.states[state] for state in RANKS[:3]),
        "states": _states(found.states, found.query),
        "schools": sorted(names.items(), key=lambda one: one[1].casefold()),
        "ticked": set(given.getlist("section")),
        "every": given.get("every") == "1",
        "blackout": blackout_today(done.settings, timezone.now()) if done.settings else "",
        "runs": [{"run": run, "title": run_title(run), "state": STATE_WORDS[run.state]} for run in _open_runs(place)],
        "ready": done.settings is not None,
    }
    return render(request, "grades.html", context, status=400 if refused else 200)


def _states(numbers: Any, query: Any) -> list[dict[str, Any]]:
    """The filter by state: links with how many there are."""
    rest = {name: value for name, value in query.items() if name != "state"}
    needs = sum(numbers[state] for state in RANKS[:3])
    found = [("", _("All"), sum(numbers.values())), (HELP, _("Needs help"), needs)]
    found += [(state, SECTION_STANDS[state].words, numbers[state]) for state in RANKS if numbers[state]]
    return [
        {
            "words": words,
            "number": number,
            "query": "?" + urlencode(rest | ({"state": state} if state else {})),
            "here": query.get("state", "") == state,
        }
        for state, words, number in found
    ]


def _open_runs(place: Place) -> Any:
    """Queued and running runs of grades, oldest first; a few."""
    mine = Run.objects.filter(organization=place.organization, river=River.GRADES)
    open_runs = mine.filter(state__in=[RunState.RUNNING, RunState.QUEUED]).order_by()
    first = sorted(open_runs.values_list("created_at", "pk"))[
        :20
    ]  # here: in its order the database reads past runs too
    return Run.objects.filter(pk__in=[pk for _at, pk in first]).defer("plan", "result").order_by("created_at")


def _run_words(run: Run, wanted: GradesWanted, *, joined: bool) -> str:
    if joined:
        return _("The same run is waiting already, so yours joined it: it runs once.")
    if run.blackout:
        return _("Today is a blackout day (%(words)s), so this run only plans; nothing is sent.") % {
            "words": run.blackout
        }
    number = len(run.sections)
    which = ngettext("%(number)d section", "%(number)d sections", number) % {"number": number}
    where = which if number else _("all sections")
    if wanted.dry_run:
        return _("The preview of %(where)s is queued. Nothing is sent.") % {"where": where}
    return _("The sync of %(where)s is queued. Here you see how far it is.") % {"where": where}


def _here(place: Place, given: QueryDict) -> str:
    query = kept_query(given, ("state", "school", "find", "page"))
    return reverse("grades", args=[place.organization.slug]) + (f"?{urlencode(query)}" if query else "")


urlpatterns = [
    path("grades/", show, name="grades"),
    path("grades/send/", send, name="grades_send"),
    path("grades/teachers/", teachers, name="grades_teachers"),
]
