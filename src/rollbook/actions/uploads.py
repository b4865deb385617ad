"""OneRoster packages that people bring: judged as a whole first, and only then what runs read."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PureWindowsPath
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from rollbook.actions.organizations import current_settings, find_organization
from rollbook.actions.settings_edit import Document, change_settings
from rollbook.actions.settings_text import typed_options
from rollbook.connectors.base import Context
from rollbook.connectors.oneroster_csv.formulas import find_formulas
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource
from rollbook.core.protocols import Progress
from rollbook.errors import BadResponse, ConfigError
from rollbook.pipeline.roster_run import check_source
from rollbook.pipeline.run_types import CheckResult
from rollbook.roster.settings import Settings
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.blobs import open_blobs
from rollbook.store.models import Organization, UploadRow, UploadState
from rollbook.store.rows import group_findings
from rollbook.store.secrets import KeyRing, secrets_of
from rollbook.store.setup import opened
from rollbook.store.uploads import UPLOAD, drop_old

CONNECTOR: Final = "oneroster_csv"
_LONGEST_NAME: Final = 120
_EXAMPLES: Final = 3
#: A package may leave these out on purpose, where its manifest says so.
_ABSENT: Final = "the manifest says that this file is absent"
_ASK: Final = say("ask whoever makes the export to send it again")


class Watch(Protocol):
    """Stops a check that nobody wants any more: both raise RollbookError then."""

    def check(self) -> None: ...
    def wait(self, seconds: float) -> None: ...


class UploadUnderWay(ConfigError):
    """One file after the other."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What `rollbook check` says of a package: records by collection, findings by cause."""

    read: dict[str, int]
    blocking: int
    findings: list[dict[str, Any]]
    sanity: dict[str, int]


def offer_upload(*, org: str, by: str, name: str, path: Path) -> UploadRow:
    """Store the package at `path` (the file is moved) for a worker to check; runs read it only if it is good. Raises
    ConfigError or BadResponse that say in words why it is refused at once; nothing is kept then."""
    organization = find_organization(org)
    _check_source(organization)
    size = path.stat().st_size
    if not size:
        raise BadResponse(say("the file is empty; %(ask)s", ask=_ASK))
    _check_alone(organization)
    blob = open_blobs(opened()).put(path)
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        _check_alone(organization)
        UploadRow.objects.filter(organization=organization, state=UploadState.REFUSED).delete()
        return UploadRow.objects.create(
            organization=organization, name=plain_name(name), blob=blob, size=size, by=by, state=UploadState.WAITING
        )


def keep_upload(claim: UploadRow, checked: Checked) -> bool:
    """The package is good: from now on runs read it. False when the claim was lost meanwhile."""
    found = {"state": UploadState.KEPT, "report": msgspec.to_builtins(checked), "progress": None}
    with transaction.atomic():
        organization = find_organization(claim.organization.slug, lock=True)
        if not _mine(claim).update(**found, at=timezone.now()):
            return False
        drop_old(organization)
        audit(
            by=claim.by, action="upload file", organization=organization.slug, subject=str(claim.pk), details=claim.name
        )
    return True


def refuse_upload(claim: UploadRow, words: str) -> bool:
    """The package is dangerous, broken or no whole export: nothing of it is kept but why."""
    if not _mine(claim).update(state=UploadState.REFUSED, refused=words, blob="", progress=None):
        return False
    if not UploadRow.objects.filter(blob=claim.blob).exists():
        open_blobs(opened()).delete(claim.blob)
    return True


def judge_upload(row: UploadRow, watch: Watch, progress: Progress) -> Checked:
    """What `rollbook check` says of a stored package. Raises ConfigError, BadResponse, BlobLost."""
    _, settings = current_settings(row.organization)
    with tempfile.TemporaryDirectory(prefix="rollbook-upload-") as scratch:
        path = open_blobs(opened(), Path(scratch)).get(row.blob, "an uploaded file")
        return _judge(row.organization, settings, path, watch, progress)


def _check_source(organization: Organization) -> None:
    _, settings = current_settings(organization)
    if settings.sis.connector != CONNECTOR:
        raise ConfigError(say("this organization does not read OneRoster CSV files; see the page Select SIS"))


def _check_alone(organization: Organization) -> None:
    under_way = [UploadState.WAITING, UploadState.CHECKING]
    if UploadRow.objects.filter(organization=organization, state__in=under_way).exists():
        raise UploadUnderWay(say("another file is being checked at this moment; wait until its check has ended"))


def _mine(claim: UploadRow) -> QuerySet[UploadRow]:
    return UploadRow.objects.filter(pk=claim.pk, state=UploadState.CHECKING, checked_by=claim.checked_by)


def use_upload(*, org: str, by: str, upload: int) -> UploadRow:
    """Go back to an earlier upload: from now on it is the newest one. Raises ConfigError."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        row = _kept(organization, upload)
        newest = UploadRow.objects.filter(organization=organization, state=UploadState.KEPT).first()
        if newest is not None and newest.blob == row.blob:
            return newest
        again = UploadRow.objects.create(
            organization=organization, name=row.name, blob=row.blob, size=row.size, by=by
        )  # fmt: skip
        audit(by=by, action="use earlier file", organization=org, subject=str(row.pk), details=row.name)
    return again


def read_uploads(*, org: str, by: str, seen: int | None) -> None:
    """From now on runs read what is uploaded. Raises ConfigError, ChangedMeanwhile."""

    def change(document: Document) -> None:
        if document["sis"]["connector"] != CONNECTOR:
            raise ConfigError(say("this organization does not read OneRoster CSV files; see the page Select SIS"))
        options = document["sis"].setdefault("options", {})
        options["path"] = UPLOAD
        options.pop("host", None)

    change_settings(org=org, by=by, what="read uploaded files", change=change, seen=seen)


def plain_name(name: str) -> str:
    """A file's name for showing: without folders and odd letters, and not endless."""
    last = PureWindowsPath(name.replace("/", "\\")).name
    clean = re.sub(r"[^\w .()+-]", "_", "".join(letter for letter in last if letter.isprintable())).strip()
    return clean[-_LONGEST_NAME:] or "upload.zip"


def _kept(organization: Organization, upload: int) -> UploadRow:
    row = UploadRow.objects.filter(organization=organization, pk=upload, state=UploadState.KEPT).first()
    if row is None:
        raise ConfigError(say("this file is not kept any more"))
    return row


def _judge(organization: Organization, settings: Settings, path: Path, watch: Watch, progress: Progress) -> Checked:
    """Raises BadResponse when the package is dangerous, broken or no whole export."""
    if settings.sis.connector != CONNECTOR:
        raise ConfigError(say("this organization does not read OneRoster CSV files any more; see the page Select SIS"))
    progress.update("unpack")
    with _source(organization, settings, path, watch) as (source, work):
        _refuse_formulas(source)
        today = datetime.now(ZoneInfo(settings.organization.timezone)).date()
        found = check_source(source, work=work / "check", progress=progress, today=today, users=settings.users)
    _refuse_parts(found)
    groups = group_findings(found.rows, _EXAMPLES)
    return Checked(read=dict(found.read), blocking=found.blocking, findings=groups, sanity=dict(found.sanity))


@contextmanager
def _source(
    organization: Organization, settings: Settings, path: Path, watch: Watch
) -> Iterator[tuple[OneRosterCsvSource, Path]]:  # fmt: skip
    """The package as a source with the organization's options, and a scratch folder."""
    options = typed_options(settings.sis, secrets_of(organization.pk, KeyRing(opened().keys)), "sis")
    assert isinstance(options, OneRosterCsvOptions)
    work = Path(tempfile.mkdtemp(prefix="rollbook-upload-"))
    try:
        context = Context(work=work / "source", cancel=watch, count=lambda attempts=1, /: None)
        context.work.mkdir(mode=0o700)
        yield OneRosterCsvSource(msgspec.structs.replace(options, path=str(path), host=None), context), work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _refuse_formulas(source: OneRosterCsvSource) -> None:
    """A cell that a spreadsheet would run has no place in a roster, and may be meant for whoever opens an export."""
    for name in source.collections():
        member = source.package.find(name)
        line = find_formulas(source.fetch(member)) if member is not None else None
        if line is not None:
            raise BadResponse(
                say(
                    "%(name)s.csv holds a cell that a spreadsheet would run as a formula (line %(line)s); %(ask)s",
                    name=name,
                    line=line,
                    ask=_ASK,
                )
            )


def _refuse_parts(found: CheckResult) -> None:
    broken = {name: reason for name, reason in found.incomplete.items() if reason != _ABSENT}
    if broken:
        words = "; ".join(dict.fromkeys(broken.values()))
        raise BadResponse(say("this is no whole OneRoster export: %(words)s; %(ask)s", words=words, ask=_ASK))
    empty = [name for name in ("orgs", "users") if not found.read.get(name) and name not in found.incomplete]
    if empty:
        files = " and ".join(f"{name}.csv" for name in empty)
        raise BadResponse(say("there is no record in %(files)s; %(ask)s", files=files, ask=_ASK))


class Patient:
    """A person waits for the answer; nothing else stops this."""

    def check(self) -> None:
        return None

    def wait(self, seconds: float) -> None:
        return None
