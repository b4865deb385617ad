"""The part of Files about SFTP: the key that a host shows, compared and confirmed by a person."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.settings_edit import Document, change_settings
from rollbook.actions.uploads import CONNECTOR, Patient
from rollbook.connectors.base import Context
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.engine.world import private_hosts_allowed
from rollbook.errors import ConfigError, RollbookError
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.said import stored_said
from rollbook.web.steps import steps

Page = Callable[..., HttpResponse]


def urls(files_page: Page) -> list[URLPattern]:
    """The addresses; `files_page` shows the whole page."""

    @page(write=Who.ACTING)
    def look(request: HttpRequest, place: Place) -> HttpResponse:
        """Ask the host for its key and show it; nothing is saved."""
        work = Path(tempfile.mkdtemp(prefix="rollbook-sftp-"))
        try:
            from rollbook.connectors.oneroster_csv.fetch import ask_host_key  # loads an SSH library

            host_key = ask_host_key(_options(place), _context(work))
        except RollbookError as error:
            return files_page(request, place, host_error=sentence(error), status=422)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return files_page(request, place, host_key=host_key)

    return [
        path("files/host-key", look, name="files_host_key"),
        path("files/host-key/confirm", confirm, name="files_host_key_confirm"),
    ]


@page(write=Who.ACTING)
def confirm(request: HttpRequest, place: Place) -> HttpResponse:
    """Save the key that the person has compared."""
    line, seen = request.POST.get("host_key", ""), request.POST.get("seen", "")
    try:
        from rollbook.connectors.oneroster_csv.keys import described, public_key

        known = described(public_key(line))

        def change(document: Document) -> None:
            options = document["sis"].setdefault("options", {})
            if document["sis"]["connector"] != CONNECTOR or not options.get("host"):
                raise ConfigError("no SFTP host is set; see the page Configuration")
            options["host_key"] = known.line

        change_settings(
            org=place.organization.slug,
            by=account_by(place.account),
            what="confirm host key",
            change=change,
            seen=int(seen) if seen.isdecimal() else None,
        )
    except RollbookError as error:
        messages.error(request, sentence(error))
    else:
        words = _("The host key %(fingerprint)s is confirmed. Another one is never trusted.")
        messages.success(request, words % {"fingerprint": known.fingerprint})
    return redirect("files", place.organization.slug)


def _options(place: Place) -> OneRosterCsvOptions:
    """Of the saved connection only what is needed to ask for a key. Raises ConfigError."""
    settings = steps(place.organization).settings
    options = settings.sis.options if settings is not None and settings.sis.connector == CONNECTOR else {}
    if not options.get("host"):
        raise ConfigError("no SFTP host is set; see the page Configuration")
    return OneRosterCsvOptions(path="", host=str(options["host"]), port=int(options.get("port", 22)), timeout=15.0)


def _context(work: Path) -> Context:
    return Context(
        work=work,
        cancel=Patient(),
        count=lambda attempts=1, /: None,
        allow_private_hosts=private_hosts_allowed(),
    )


def sentence(error: RollbookError) -> str:
    """An error's words, as a sentence for a page."""
    return error_said(error)


def sentence_of(words: str) -> str:
    """What is kept in English, in the language of the page."""
    words = stored_said(words)
    return words[:1].upper() + words[1:].rstrip(".") + "."
