"""Files: uploads of OneRoster packages, and where they are fetched from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.actions.accounts import account_by
from rollbook.actions.uploads import CONNECTOR, UploadUnderWay, offer_upload, read_uploads, use_upload
from rollbook.errors import BlobLost, ConfigError, RollbookError
from rollbook.store.models import UploadRow, UploadState
from rollbook.store.uploads import UPLOAD
from rollbook.web.access import Place, Who, page
from rollbook.web.bounds import MIB, UPLOAD_MIB
from rollbook.web.ended import load_anew
from rollbook.web.pages import files_sftp
from rollbook.web.steps import Steps, steps

_SHOWN: Final = 20
_STAGES: Final = {
    "unpack": gettext_lazy("Looking into the file"),
    "extract": gettext_lazy("Unpacking"),
    "stage": gettext_lazy("Sorting what was read"),
    "check": gettext_lazy("Checking the records"),
}
_UNDER_WAY: Final = (UploadState.WAITING, UploadState.CHECKING)


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return files_page(request, place)


@page(read=Who.READER)
def working(request: HttpRequest, place: Place) -> HttpResponse:
    """The part of the page that says how far a check is. When it has ended, the page is loaded anew."""
    newest = _newest(place)
    answer = render(request, "files/working.html", {"upload": newest, "stage": _stage(newest)})
    if newest is None or newest.state not in _UNDER_WAY:
        load_anew(answer)
    return answer


@page(write=Who.ACTING)
def upload(request: HttpRequest, place: Place) -> HttpResponse:
    """Take a file; a worker checks it, and the page tells how far it is."""
    file = request.FILES.get("file")
    if not isinstance(file, TemporaryUploadedFile):
        return _refused(request, place, _("Choose a file first."))
    if (file.size or 0) > UPLOAD_MIB * MIB:
        return _refused(request, place, _("This file has more than %(mib)s MiB.") % {"mib": UPLOAD_MIB})
    try:
        offer_upload(
            org=place.organization.slug,
            by=account_by(place.account),
            name=file.name or "",
            path=Path(file.temporary_file_path()),
        )
    except UploadUnderWay:
        words = _("Another file is being checked at this moment. Try again in a minute.")
        return _refused(request, place, words, status=409)
    except RollbookError as error:
        return _refused(request, place, files_sftp.sentence(error))
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
    """The whole page; `more` are error or host_key."""
    done, newest = steps(place.organization), _newest(place)
    rows = UploadRow.objects.filter(organization=place.organization, state=UploadState.KEPT)
    context = {
        "steps": done,
        "source": _source(done),
        "options": done.settings.sis.options if done.settings else {},
        "uploads": list(rows.defer("report")[:_SHOWN]),
        "most": UPLOAD_MIB,
        "upload": newest,
        "stage": _stage(newest),
        "under_way": newest is not None and newest.state in _UNDER_WAY,
        "refused": files_sftp.sentence_of(newest.refused) if newest is not None and newest.refused else "",
        "report": newest.report if newest is not None else None,
        **more,
    }
    return render(request, "files.html", context, status=status)


def _newest(place: Place) -> UploadRow | None:
    """The file that is being checked, else the one that was brought last, however its check ended."""
    mine = UploadRow.objects.filter(organization=place.organization)
    return mine.filter(state__in=_UNDER_WAY).first() or mine.first()


def _stage(upload: UploadRow | None) -> str:
    return str(_STAGES.get((upload.progress or {}).get("stage", ""), "")) if upload is not None else ""


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
    path("files/working", working, name="files_working"),
    path("files/use-uploads", use_uploads, name="files_use_uploads"),
    path("files/<int:number>/use", use, name="files_use"),
    *files_sftp.urls(files_page),
]
