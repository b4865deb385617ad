"""Files: uploads of OneRoster packages, and where they are fetched from."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import msgspec
from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.uploads import CONNECTOR, read_uploads, take_upload, use_upload
from rollbook.errors import BlobLost, ConfigError, RollbookError
from rollbook.store.models import UploadRow
from rollbook.store.uploads import UPLOAD
from rollbook.web.access import Place, Who, page
from rollbook.web.bounds import MIB, UPLOAD_MIB
from rollbook.web.pages import files_sftp
from rollbook.web.steps import Steps, steps

_REPORT: Final = "upload_report"
_SHOWN: Final = 20
#: A check takes memory and a core; one at a time is enough for a process.
_CHECKING: Final = threading.Lock()


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    report = request.session.pop(_REPORT, None)
    mine = report if report and report["org"] == place.organization.slug else None
    return files_page(request, place, report=mine)


@page(write=Who.ACTING)
def upload(request: HttpRequest, place: Place) -> HttpResponse:
    file = request.FILES.get("file")
    if not isinstance(file, TemporaryUploadedFile):
        return _refused(request, place, _("Choose a file first."))
    if (file.size or 0) > UPLOAD_MIB * MIB:
        return _refused(request, place, _("This file has more than %(mib)s MiB.") % {"mib": UPLOAD_MIB})
    if not _CHECKING.acquire(blocking=False):
        words = _("Another file is being checked at this moment. Try again in a minute.")
        return _refused(request, place, words, status=409)
    try:
        row, checked = take_upload(
            org=place.organization.slug,
            by=account_by(place.account),
            name=file.name or "",
            path=Path(file.temporary_file_path()),
        )
    except RollbookError as error:
        return _refused(request, place, files_sftp.sentence(error))
    finally:
        _CHECKING.release()
    request.session[_REPORT] = {"org": place.organization.slug, "name": row.name, **msgspec.to_builtins(checked)}
    messages.success(request, _("“%(name)s” was checked and is kept. Runs read it from now on.") % {"name": row.name})
    return redirect("files", place.organization.slug)


@page(write=Who.ACTING)
def use(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    try:
        row = use_upload(org=place.organization.slug, by=account_by(place.account), upload=number)
    except (ConfigError, BlobLost) as error:
        messages.error(request, files_sftp.sentence(error))
    else:
        messages.success(request, _("From now on runs read “%(name)s”.") % {"name": row.name})
    return redirect("files", place.organization.slug)


@page(write=Who.ACTING)
def use_uploads(request: HttpRequest, place: Place) -> HttpResponse:
    seen = request.POST.get("seen", "")
    try:
        read_uploads(
            org=place.organization.slug, by=account_by(place.account), seen=int(seen) if seen.isdecimal() else None
        )
    except ConfigError as error:
        messages.error(request, files_sftp.sentence(error))
    else:
        messages.success(request, _("From now on runs read what you upload here."))
    return redirect("files", place.organization.slug)


def files_page(request: HttpRequest, place: Place, *, status: int = 200, **more: Any) -> HttpResponse:
    """The whole page; `more` are error, report or host_key."""
    done = steps(place.organization)
    rows = UploadRow.objects.filter(organization=place.organization, refused="")
    context = {
        "steps": done,
        "source": _source(done),
        "options": done.settings.sis.options if done.settings else {},
        "uploads": list(rows[:_SHOWN]),
        "most": UPLOAD_MIB,
        **more,
    }
    return render(request, "files.html", context, status=status)


def _source(done: Steps) -> str:
    """Where runs read from: none (another SIS), upload, sftp or path."""
    if done.settings is None or done.settings.sis.connector != CONNECTOR:
        return "none"
    if done.settings.sis.options.get("host"):
        return "sftp"
    return "upload" if done.settings.sis.options.get("path") == UPLOAD else "path"


def _refused(request: HttpRequest, place: Place, words: str, *, status: int = 422) -> HttpResponse:
    return files_page(request, place, error=words, status=status)


urlpatterns = [
    path("files/", show, name="files"),
    path("files/upload", upload, name="files_upload"),
    path("files/use-uploads", use_uploads, name="files_use_uploads"),
    path("files/<int:number>/use", use, name="files_use"),
    *files_sftp.urls(files_page),
]
