"""Reads the list of who is in which system, as the newest look at both has left it. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.store.models import Organization, Run, RunState
from rollbook.store.results import part, text_of

_AT_ONCE: Final = 2000
#: So many runs back is looked for one with a list.
_BACK: Final = 20


@dataclass(frozen=True, kw_only=True)
class Look:
    """A look at both systems that has ended: counts by state, sanity counts, findings by code."""

    run: str
    ended_at: datetime | None
    people_blob: str | None
    people: Mapping[str, int]
    sanity: Mapping[str, int]
    findings: Mapping[str, int]
    findings_blob: str | None


def newest_look(organization: Organization) -> Look | None:
    """The newest one whose list is still kept, else the newest one at all; None before the first."""
    looks = Run.objects.filter(organization=organization, dry_run=True, compare_live=True, undo_of__isnull=True)
    looks = looks.filter(state=RunState.PLANNED, applies__isnull=True).order_by("-created_at")
    rows = looks.annotate(text=text_of("result")).values_list("pk", "ended_at", "text")[:_BACK]
    found = [_look(run, ended_at, part(text, _Parts)) for run, ended_at, text in rows]
    return next((one for one in found if one.people_blob), found[0] if found else None)


def look_under_way(organization: Organization) -> Run | None:
    """A look that was asked for and has not ended."""
    asked = Run.objects.filter(organization=organization, dry_run=True, compare_live=True, undo_of__isnull=True)
    return asked.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).order_by("created_at").first()


def last_trouble(organization: Organization) -> Run | None:
    """The newest look, if it failed or was cancelled."""
    looks = Run.objects.filter(organization=organization, dry_run=True, compare_live=True, undo_of__isnull=True)
    last = looks.defer("result", "plan").order_by("-created_at").first()
    return last if last is not None and last.state in (RunState.FAILED, RunState.CANCELLED) else None


def people_page(blobs: Blobs, look: Look, state: str, *, start: int, most: int) -> list[dict[str, Any]]:
    """Rows of people with places from `start` on; of one person's accounts all. Raises BlobLost."""
    where = f"state = {quote(state)} AND place BETWEEN {int(start)} AND {int(start) + int(most) - 1}"
    return list(_rows(blobs, look, f"{where} ORDER BY place, lms_id"))


def all_people(blobs: Blobs, look: Look, state: str | None = None) -> Iterator[dict[str, Any]]:
    """Everybody, or everybody of one state, in order. Raises BlobLost."""
    return _rows(blobs, look, f"state = {quote(state)}" if state else "true")


def accounts_in_question(blobs: Blobs, look: Look, keys: Sequence[str]) -> dict[str, list[str]]:
    """The LMS ids of the accounts that may be these people's, by unique id. Raises BlobLost."""
    found: dict[str, list[str]] = {}
    if keys:
        for row in _rows(blobs, look, "state = 'conflict' AND key IN $keys ORDER BY lms_id", {"keys": list(keys)}):
            found.setdefault(row["key"], []).append(row["lms_id"])
    return found


def finding_examples(blobs: Blobs, look: Look, most: int = 3) -> list[dict[str, Any]]:
    """The first few findings of each code; none where they are not kept any more. Raises BlobLost."""
    if not look.findings_blob:
        return []
    return list(
        _read(
            blobs.get(look.findings_blob, "the findings"),
            f"true QUALIFY row_number() OVER (PARTITION BY code) <= {int(most)}",
            {},
        )
    )


class _Parts(msgspec.Struct):
    people_blob: str | None = None
    people: dict[str, int] = {}
    sanity: dict[str, int] = {}
    findings: dict[str, int] = {}
    findings_blob: str | None = None


def _look(run: str, ended_at: datetime | None, told: _Parts) -> Look:
    return Look(
        run=run,
        ended_at=ended_at,
        people_blob=told.people_blob,
        people=told.people,
        sanity=told.sanity,
        findings=told.findings,
        findings_blob=told.findings_blob,
    )


def _rows(blobs: Blobs, look: Look, where: str, asked: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    if not look.people_blob:
        return iter(())
    return _read(blobs.get(look.people_blob, "the list of both systems"), where, asked or {})


def _read(path: Path, where: str, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    with parquet_reader() as db:
        cursor = db.execute(f"SELECT * FROM read_parquet({quote(path)}) WHERE {where}", dict(asked))
        names = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(_AT_ONCE):
            for row in rows:
                yield dict(zip(names, row, strict=True))
