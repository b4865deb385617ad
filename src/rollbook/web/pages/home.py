"""Home: is all well?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from rollbook.web.access import Place, Who, page
from rollbook.web.home_state import home_state
from rollbook.web.home_trend import HEIGHT, WIDTH, trend
from rollbook.web.live_runs import current_runs
from rollbook.web.run_words import run_title
from rollbook.web.steps import steps


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    """One sentence, what somebody must do, the last and the next run, and how the counts went."""
    organization = place.organization
    context = {
        **home_state(organization, steps(organization), timezone.now()),
        **trend(organization),
        "width": WIDTH,
        "height": HEIGHT,
        "current": [(run, run_title(run)) for run in current_runs(organization.pk)],
    }
    return render(request, "home.html", context)


urlpatterns = [path("", show, name="home")]
