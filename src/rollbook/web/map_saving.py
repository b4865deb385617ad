"""Saving Schools or Terms: what both do with a form that was sent, and the `setup` run that makes what is asked for
(rule 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.organizations import current_settings
from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.settings_edit import change_settings
from rollbook.connectors.registry import connector
from rollbook.errors import ConfigError
from rollbook.store.ledger import current_version
from rollbook.store.models import Organization, Run
from rollbook.web.access import Place
from rollbook.web.error_words import error_said
from rollbook.web.lists import read_both
from rollbook.web.steps import steps


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A form that was sent, all of whose choices are to be had."""

    key: str  # `schools` or `terms`
    new: Mapping[str, Any]
    saved: Mapping[str, Any]
    number: int  # of the settings that are saved now
    there: str  # where the person goes on
    again: Callable[[str], HttpResponse]  # the form once more, and what is wrong
    asks: Callable[[], HttpResponse | None]  # the page that asks first, where something would move or freeze


def save_sent(request: HttpRequest, place: Place, sent: Sent) -> HttpResponse:
    """Saves what was chosen, unless other settings were saved meanwhile; asks first where that is needed."""
    if request.POST.get("seen") != str(sent.number):
        sent_twice = sent.new == sent.saved
        return redirect(sent.there) if sent_twice else sent.again(_changed_meanwhile())
    if "confirmed" not in request.POST and _was_synced(place.organization):
        question = sent.asks()
        if question is not None:
            return question
    try:
        _save_map(request, place, key=sent.key, value=sent.new, seen=sent.number)
    except ConfigError as error:
        return sent.again(error_said(error))
    return redirect(sent.there)


def read_lists(request: HttpRequest, place: Place, name: str) -> HttpResponse:
    """Reads the lists of both sides again, or for the first time, and goes back to the page of this name."""
    if steps(place.organization).settings is not None:
        read_both(request, place)
    return redirect(name, place.organization.slug)


def _save_map(request: HttpRequest, place: Place, *, key: str, value: Mapping[str, Any], seen: int) -> None:
    """Save `schools` or `terms`, queue a setup run and tell the person. Raises ConfigError; as ChangedMeanwhile when
    other settings than version `seen` are saved by now."""
    by, slug = account_by(place.account), place.organization.slug

    def change(document: dict[str, Any]) -> None:
        document[key] = dict(value)

    saved = change_settings(org=slug, by=by, what=f"save {key}", change=change, seen=seen)
    run = request_run(org=slug, wanted=Wanted(kinds=("setup",)), by=by)
    done = _("Your changes are saved.") if saved.changed else _("Nothing was changed.")
    what = _run_makes(current_settings(place.organization)[1].lms.connector, dry=run.dry_run)
    link = _("See the log of this run")
    messages.success(request, format_html('{} {} <a href="{}">{}</a>', done, what, run_address(slug, run), link))


def _run_makes(lms: str, *, dry: bool) -> str:
    """What the run makes in an LMS of this connector."""
    if "grading_period" in connector(lms).lacks:
        missing = _("A run now makes the buildings that are still missing.")
        return _("Today nothing is sent; a run only plans the buildings.") if dry else missing
    missing = _("A run now makes the buildings and grading periods that are still missing.")
    return _("Today nothing is sent; a run only plans the buildings and grading periods.") if dry else missing


def run_address(slug: str, run: Run) -> str:
    """Where the log of a run is shown."""
    try:
        return reverse("logs_run", args=[slug, run.pk])
    except NoReverseMatch:
        return reverse("logs", args=[slug])


def _was_synced(organization: Organization) -> bool:
    """Is there anything yet that a changed mapping could move or freeze?"""
    return current_version(organization.pk).number > 0


def _changed_meanwhile() -> str:
    return _(
        "Somebody else, or you in another tab, changed these settings since you opened this page. Your choices are "
        "shown below: check them and save again."
    )
