"""What is only read: the organization, its schedule, lists of SIS and LMS, notices."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.actions.schedule import schedule_summary, show_schedule
from rollbook.store.models import DirectoryRow, HoldRow, HoldState, NoticeRow, Run, RunState
from rollbook.store.summary import moment, notice_summary
from rollbook.web.access import Who
from rollbook.web.api.operations import Asked, operation
from rollbook.web.api.shapes import (
    DirectoryQuery,
    DirectoryShown,
    NoticesQuery,
    OrganizationShown,
    ScheduleQuery,
    Steps,
)
from rollbook.web.steps import steps


@operation("GET", "", who=Who.READER, answer="OrganizationShown")
def show_organization(asked: Asked) -> dict[str, Any]:
    """The organization, how far its set-up is, what runs and what waits."""
    organization = asked.place.organization
    done = steps(organization)
    running = Run.objects.filter(organization=organization, state=RunState.RUNNING).first()
    acting = organization.acting
    shown = OrganizationShown(
        org=organization.slug,
        name=organization.name,
        timezone=organization.timezone,
        acting=(acting.name or acting.email) if acting is not None else None,
        version=done.number,
        steps=Steps(
            select_sis=done.sis_chosen,
            configuration=done.configuration,
            schools=done.schools,
            terms=done.terms,
            data_prep=done.data_prep,
        ),
        missing=done.missing(),
        running=running.pk if running is not None else None,
        holds=HoldRow.objects.filter(organization=organization, state=HoldState.WAITING).count(),
    )
    return _plain(shown)


@operation("GET", "/schedule", who=Who.READER, query=ScheduleQuery, answer="schedule-show")
def show_next(asked: Asked) -> dict[str, Any]:
    """When the next run is queued by the clock, and why."""
    return schedule_summary(show_schedule(org=asked.slug, at=asked.query.at))


@operation("GET", "/directory", who=Who.READER, query=DirectoryQuery, answer="DirectoryShown")
def show_directory(asked: Asked) -> dict[str, Any]:
    """A list of the SIS or the LMS, as it was last read: schools, terms, roles, buildings, grading periods."""
    query = asked.query
    row = DirectoryRow.objects.filter(organization=asked.place.organization, name=query.name).first()
    rows = row.rows if row is not None else []
    shown = DirectoryShown(
        org=asked.slug,
        name=query.name,
        read_at=moment(row.read_at) if row is not None else None,
        total=len(rows),
        rows=rows[query.skip : query.skip + query.limit],
    )
    return _plain(shown)


@operation("GET", "/notices", who=Who.READER, query=NoticesQuery, answer="notices")
def list_notices(asked: Asked) -> dict[str, Any]:
    """The outbox, the latest first: what was sent, what waits, what could not be sent and why."""
    rows = NoticeRow.objects.filter(organization=asked.place.organization).order_by("-created_at", "-id")
    return {"org": asked.slug, "notices": [notice_summary(row) for row in rows[: asked.query.limit]]}


def _plain(shown: msgspec.Struct) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(shown)
    return found
