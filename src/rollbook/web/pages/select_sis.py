"""Select SIS: chosen once, confirmed, and then fixed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.errors import ConfigError
from rollbook.web.access import Place, Who, page
from rollbook.web.lms_list import FIRST_LMS
from rollbook.web.partner_list import Sis, every_sis, find_sis, sis_title
from rollbook.web.saving import save_settings
from rollbook.web.steps import steps


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    """The list, or what was chosen."""
    settings = steps(place.organization).settings
    if settings is not None:
        return render(request, "select_sis.html", {"chosen": sis_title(settings.sis)})
    wanted = request.GET.get("q", "").strip()
    found = [one for one in every_sis() if wanted.lower() in f"{one.title} {one.how}".lower()]
    return render(request, "select_sis.html", {"every": found, "wanted": wanted})


@page(read=Who.ACTING, write=Who.ACTING)
def confirm(request: HttpRequest, place: Place) -> HttpResponse:
    """Ask whether it is meant; with "Yes, confirm", save it."""
    chosen = find_sis((request.POST if request.method == "POST" else request.GET).get("sis", ""))
    if chosen is None:
        messages.error(request, _("Choose your SIS from the list first."))
        return redirect("select_sis", place.organization.slug)
    settings = steps(place.organization).settings
    if request.method != "POST":
        if settings is not None:
            return redirect("select_sis", place.organization.slug)
        return render(request, "select_sis_confirm.html", {"sis": chosen})
    if settings is not None and (settings.sis.connector, settings.sis.partner) == (chosen.connector, chosen.partner):
        return redirect("configuration", place.organization.slug)  # the button was pressed twice
    wrong = save_settings(request, place, what="select SIS", change=lambda document: _choose(document, chosen))
    if wrong:
        messages.error(request, wrong)
        return redirect("select_sis", place.organization.slug)
    return redirect("configuration", place.organization.slug)


def _choose(document: dict[str, Any], chosen: Sis) -> None:
    """Raises ConfigError when another SIS, or this one, was chosen before."""
    if document["sis"]["connector"]:
        raise ConfigError(_("The SIS was chosen already, and cannot be changed here any more."))
    document["sis"] = {"connector": chosen.connector, "partner": chosen.partner, "options": {}}
    document["lms"] = {"connector": FIRST_LMS, "options": {}}


urlpatterns = [
    path("select-sis/", show, name="select_sis"),
    path("select-sis/confirm/", confirm, name="select_sis_confirm"),
]
