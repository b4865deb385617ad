"""Which uploaded OneRoster package an organization's runs read, and which ones are kept. Checks no package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rollbook.errors import ConfigError
from rollbook.store.blobs import open_blobs
from rollbook.store.models import Organization, UploadRow, UploadState
from rollbook.store.setup import opened

#: As the `path` of a connection to OneRoster CSV: the newest file that was uploaded on the page Files.
UPLOAD: Final = "upload:"
#: So many different files are kept for each organization.
KEPT: Final = 5


def accepted(organization: Organization) -> Iterator[UploadRow]:
    """Uploads that runs may read, the newest first."""
    return UploadRow.objects.filter(organization=organization, state=UploadState.KEPT).iterator()


def upload_file(slug: str, work: Path | None = None) -> Path:
    """The file that a run of the organization reads; `work` is the run's own folder. Raises ConfigError when nothing
    was uploaded yet, BlobLost when the file is gone."""
    row = UploadRow.objects.filter(organization__slug=slug, state=UploadState.KEPT).first()
    if row is None:
        raise ConfigError("no file was uploaded yet; bring a OneRoster zip on the page Files")
    return open_blobs(opened(), work).get(row.blob, "the uploaded OneRoster file")


def drop_old(organization: Organization) -> None:
    """Forget uploads beyond the last KEPT different files; garbage collection deletes what nothing points to."""
    kept: set[str] = set()
    for row in accepted(organization):
        if row.blob in kept or len(kept) < KEPT:
            kept.add(row.blob)
        else:
            row.delete()
