"""Configuration: the connections to SIS and LMS, saved and tested. Its other cards have modules beside this one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.lms_choice import choose_lms
from rollbook.actions.settings import SavedSettings
from rollbook.web.access import Place, Who, page
from rollbook.web.configuration_page import WRONG, Typed, option_form, render_configuration
from rollbook.web.connection_tests import Outcome, check_typed, try_typed
from rollbook.web.lms_list import find_lms
from rollbook.web.option_forms import OptionForm
from rollbook.web.saving import save_settings, saved_in_words, seen_of
from rollbook.web.steps import steps


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return render_configuration(request, place)


@page(read=Who.READER, write=Who.ACTING)
def save_sis(request: HttpRequest, place: Place) -> HttpResponse:
    """Save API Credentials."""
    return _save(request, place, "sis")


@page(read=Who.READER, write=Who.ACTING)
def save_lms(request: HttpRequest, place: Place) -> HttpResponse:
    return _save(request, place, "lms")


@page(read=Who.READER, write=Who.ACTING)
def test_sis(request: HttpRequest, place: Place) -> HttpResponse:
    """Test connection, with what stands in the form."""
    return _test(request, place, "sis")


@page(read=Who.READER, write=Who.ACTING)
def test_lms(request: HttpRequest, place: Place) -> HttpResponse:
    return _test(request, place, "lms")


@page(read=Who.READER, write=Who.ACTING)
def choose(request: HttpRequest, place: Place) -> HttpResponse:
    """Choose this LMS."""
    if request.method != "POST" or steps(place.organization).settings is None:
        return back(place, "lms")
    chosen = find_lms(request.POST.get("lms", ""))
    if chosen is None:
        wrong = _("Choose one of the LMSs of the list.")
        return render_configuration(request, place, typed=Typed(choice_error=wrong), status=WRONG)
    by, seen = account_by(place.account), seen_of(request)

    def save() -> SavedSettings:
        return choose_lms(org=place.organization.slug, by=by, lms=chosen.name, seen=seen)

    wrong = saved_in_words(request, save)
    if wrong:
        return render_configuration(request, place, typed=Typed(choice_error=wrong), status=WRONG)
    return back(place, "lms")


def back(place: Place, card: str) -> HttpResponse:
    """To the page, at a card; also for whoever opens the address of a form."""
    return redirect(f"{reverse('configuration', args=[place.organization.slug])}#{card}")


def _save(request: HttpRequest, place: Place, side: str) -> HttpResponse:
    found = steps(place.organization)
    if request.method != "POST" or found.settings is None:
        return back(place, side)
    form = option_form(place, found, side, request.POST)
    if form.is_valid():
        check_typed(place.organization, found.settings, form)
    if form.errors:
        return render_configuration(request, place, typed=_typed(side, form), status=WRONG)
    secrets = {f"{side}.{name}": text for name, text in form.secrets.items()}
    wrong = save_settings(
        request, place, what=f"save {side} connection", change=lambda document: _put(document, form), secrets=secrets
    )
    if wrong:
        form.add_error(None, wrong)
        return render_configuration(request, place, typed=_typed(side, form), status=WRONG)
    return back(place, side)


def _typed(side: str, form: OptionForm, outcome: Outcome | None = None) -> Typed:
    return Typed(sis=form, sis_outcome=outcome) if side == "sis" else Typed(lms=form, lms_outcome=outcome)


def _put(document: dict[str, Any], form: OptionForm) -> None:
    connection = document[form.side]
    connection["options"] = form.options
    expires = form.cleaned_data["expires"]
    connection["expires"] = expires.isoformat() if expires else None
    if "delta" in form.fields:
        connection["delta"] = form.cleaned_data["delta"]


def _test(request: HttpRequest, place: Place, side: str) -> HttpResponse:
    found = steps(place.organization)
    if request.method != "POST" or found.settings is None:
        return back(place, side)
    form = option_form(place, found, side, request.POST)
    outcome = try_typed(place, found.settings, form) if form.is_valid() else None
    if request.headers.get("HX-Request"):
        return render(request, "configuration/outcome.html", {"outcome": outcome, "form": form})
    return render_configuration(request, place, typed=_typed(side, form, outcome), status=200 if outcome else WRONG)


urlpatterns = [
    path("configuration/", show, name="configuration"),
    path("configuration/sis/", save_sis, name="configuration_sis"),
    path("configuration/sis/test/", test_sis, name="configuration_test_sis"),
    path("configuration/lms/", save_lms, name="configuration_lms"),
    path("configuration/lms/choose/", choose, name="configuration_choose_lms"),
    path("configuration/lms/test/", test_lms, name="configuration_test_lms"),
]
