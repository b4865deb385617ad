"""Logs: the runs under way with their progress, and past runs; stopping one."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.runs import cancel_run
from rollbook.errors import ConfigError
from rollbook.store.models import Role, Run
from rollbook.web.access import Place, Who, page
from rollbook.web.following import follow_answer
from rollbook.web.live import Subject
from rollbook.web.live_rights import viewer_of
from rollbook.web.live_runs import current_runs, progress_of, told
from rollbook.web.runs_shown import asked, filters, find_run, names_of, past_runs


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    """What runs and waits now, and a page of what ended."""
    wanted = asked(request)
    current = current_runs(place.organization.pk)
    past, more = past_runs(place, wanted)
    context = {
        "current": [progress_of(run) for run in current],
        "shown": ",".join(run.pk for run in current),
        "at": timezone.now(),
        "slug": place.organization.slug,
        "may_cancel": place.role == Role.ADMINISTRATOR,
        "past": past,
        "older": wanted.query(page=wanted.page + 1) if more else "",
        "newer": wanted.query(page=wanted.page - 1 or "") if wanted.page > 1 else None,
        "narrowed": wanted.query(),
        **filters(place, names_of(place), wanted, states=True),
    }
    return render(request, "logs.html", context)


@page(read=Who.READER)
def live(request: HttpRequest, place: Place) -> HttpResponse:
    """How far the organization's runs are, as server-sent events (see `rollbook.web.following`)."""
    return _follow(request, place, _subject(place), current_runs(place.organization.pk))


@page(read=Who.READER)
def live_run(request: HttpRequest, place: Place, run: str) -> HttpResponse:
    """How far one run is, as server-sent events."""
    found = find_run(place, run)
    return _follow(request, place, _subject(place, found.pk), [] if found.ended else [found])


def _follow(request: HttpRequest, place: Place, subject: Subject, runs: Sequence[Run]) -> HttpResponse:
    seen = request.GET.get("shown", "")
    return follow_answer(subject, viewer_of(request, place), told(subject, runs), seen)


def _subject(place: Place, run: str = "") -> Subject:
    return Subject(place.organization.pk, run, get_language() or "en", place.role == Role.ADMINISTRATOR)


@page(write=Who.ADMINISTRATOR)
def cancel(request: HttpRequest, place: Place, run: str) -> HttpResponse:
    """Any system administrator may stop a run (rule 30)."""
    found = find_run(place, run)
    if found.cancel_requested and not found.ended:
        messages.info(request, _("It is stopping already. What was sent is still written down."))
        return redirect("logs_run", place.organization.slug, found.pk)
    try:
        stopped = cancel_run(run_id=found.pk, by=account_by(place.account))
    except ConfigError:
        messages.warning(request, _("The run had ended before it could be cancelled."))
    else:
        messages.success(
            request,
            _("The run is cancelled; nothing of it was sent.")
            if stopped.ended
            else _("The run stops in a moment. What was sent already stays, and is written down."),
        )
    return redirect("logs_run", place.organization.slug, found.pk)


urlpatterns = [
    path("logs/", show, name="logs"),
    path("logs/live/", live, name="logs_live"),
    path("logs/<run>/live/", live_run, name="logs_run_live"),
    path("logs/<run>/cancel/", cancel, name="logs_cancel"),
]
