"""Saving settings from a form: who, what was seen, and what the person is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.settings import SavedSettings
from rollbook.actions.settings_edit import ChangedMeanwhile, change_settings
from rollbook.errors import ConfigError
from rollbook.web.access import Place
from rollbook.web.error_words import error_said


def save_settings(
    request: HttpRequest,
    place: Place,
    *,
    what: str,
    change: Callable[[dict[str, Any]], None],
    secrets: Mapping[str, str | None] | None = None,
) -> str:
    """Save what `change` edits, unless other settings were saved since the form was shown. Tells the person when it
    was saved; returns what is wrong when it was not, else an empty text."""

    def save() -> SavedSettings:
        return change_settings(
            org=place.organization.slug,
            by=account_by(place.account),
            what=what,
            change=change,
            secrets=secrets,
            seen=seen_of(request),
        )

    return saved_in_words(request, save)


def saved_in_words(request: HttpRequest, save: Callable[[], SavedSettings]) -> str:
    """Do it, and tell the person; returns what is wrong when nothing was saved, else an empty text."""
    try:
        saved = save()
    except ChangedMeanwhile:
        return _(
            "Nothing was saved: somebody else, or you in another tab, saved other settings since you opened this page. "
            "Look at what is saved now, and save again if you still want to."
        )
    except ConfigError as error:
        return error_said(error)
    if saved.changed:
        messages.success(request, _("Saved."))
    else:
        messages.info(request, _("Everything was saved like that already."))
    return ""


def seen_of(request: HttpRequest) -> int:
    """The number of the settings that the person looked at; -1, which is never saved, when the form does not say."""
    text = request.POST.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
