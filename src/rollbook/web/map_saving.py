"""Saving Schools or Terms: the settings, and a `setup` run that makes what they ask for (rule 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.settings_edit import change_settings
from rollbook.store.ledger import current_version
from rollbook.store.models import Organization, Run
from rollbook.web.access import Place


def save_map(request: HttpRequest, place: Place, *, key: str, value: Mapping[str, Any], seen: int) -> None:
    """Save `schools` or `terms`, queue a setup run and tell the person. Raises ConfigError; as ChangedMeanwhile when
    other settings than version `seen` are saved by now."""
    by, slug = account_by(place.account), place.organization.slug

    def change(document: dict[str, Any]) -> None:
        document[key] = dict(value)

    saved = change_settings(org=slug, by=by, what=f"save {key}", change=change, seen=seen)
    run = request_run(org=slug, wanted=Wanted(kinds=("setup",)), by=by)
    done = _("Your changes are saved.") if saved.changed else _("Nothing was changed.")
    what = _("A run now makes the buildings and grading periods that are still missing.")
    if run.dry_run:
        what = _("Today nothing is sent; a run only plans the buildings and grading periods.")
    link = _("See the log of this run")
    messages.success(request, format_html('{} {} <a href="{}">{}</a>', done, what, run_address(slug, run), link))


def run_address(slug: str, run: Run) -> str:
    """Where the log of a run is shown."""
    try:
        return reverse("logs_run", args=[slug, run.pk])
    except NoReverseMatch:
        return reverse("logs", args=[slug])


def was_synced(organization: Organization) -> bool:
    """Is there anything yet that a changed mapping could move or freeze?"""
    return current_version(organization.pk).number > 0


def changed_meanwhile() -> str:
    return _(
        "Somebody else, or you in another tab, changed these settings since you opened this page. Your choices are "
        "shown below: check them and save again."
    )
