"""Extract: read each collection page by page into page files, and judge completeness. Never looks into records."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from rollbook.connectors.base import Page, ReadRequest, Source, SourceFinding
from rollbook.core.protocols import Progress
from rollbook.pipeline.tables import Extracted
from rollbook.roster.oneroster import COLLECTIONS

#: A page older than an hour is fetched again.
PAGES_KEEP_S = 3600


def extract(
    source: Source, folder: Path, progress: Progress, since: Mapping[str, datetime] = MappingProxyType({})
) -> Extracted:
    """Read every collection the source offers. Trouble with the whole connection is raised as the source raises it; the
    pages that are on disk by then are not fetched again."""
    result = Extracted()
    offered = source.collections()
    for name in COLLECTIONS:
        if name in offered:
            request = ReadRequest(collection=name, since=since.get(name), saved=dict(_saved(folder / name)))
            _read(source, request, folder / name, result, progress)
    return result


def _read(source: Source, request: ReadRequest, folder: Path, result: Extracted, progress: Progress) -> None:
    name = request.collection
    folder.mkdir(parents=True, exist_ok=True)
    pages: list[Page] = []
    reading = source.read(request)
    records = 0
    for page in reading:
        pages.append(_keep(page, folder))
        records += page.count or 0
        progress.update("extract", records, None, name)
    verdict = reading.verdict
    result.pages[name] = pages
    result.verdicts[name] = verdict
    result.findings += reading.findings
    if not verdict.complete and verdict.mode != "absent":
        details = {"reason": verdict.reason}
        result.findings.append(SourceFinding(code="SOURCE_INCOMPLETE", collection=name, details=details))


def _keep(page: Page, folder: Path) -> Page:
    """Write a body as a page file: finished pages are the checkpoint of a read."""
    if page.body is None:
        return page
    path = folder / f"{page.number:06}.json"
    part = path.with_suffix(".part")
    part.write_bytes(page.body)
    os.replace(part, path)
    return Page(collection=page.collection, number=page.number, name=page.name, count=page.count, path=path, columns={})


def _saved(folder: Path) -> Iterator[tuple[int, Path]]:
    """Pages of an earlier attempt of this run, unless they have grown old: the SIS has moved on since then."""
    for path in sorted(folder.glob("*.json")):
        if time.time() - path.stat().st_mtime < PAGES_KEEP_S:
            yield int(path.stem), path
        else:
            path.unlink()
