"""Holds: what waits for a person, and the decisions."""

from __future__ import annotations

from typing import Any

from rollbook.actions import holds as actions
from rollbook.store.models import HoldRow, HoldState, Run
from rollbook.store.summary import hold_summary, run_summary
from rollbook.web.access import Who
from rollbook.web.api.operations import Asked, missing, operation
from rollbook.web.api.shapes import ApproveBody, HoldsQuery, RejectBody


@operation("GET", "/holds", who=Who.READER, query=HoldsQuery, answer="holds")
def list_holds(asked: Asked) -> dict[str, Any]:
    """What waits for a decision, oldest first; with `all`, decided and superseded ones too, newest first."""
    mine = {"organization": asked.place.organization}
    previews = Run.objects.filter(**mine, preview_year__gt="")
    rows = HoldRow.objects.filter(**mine).exclude(run__in=previews)
    rows = rows.order_by("-created_at", "-pk") if asked.query.all else rows.filter(state=HoldState.WAITING)
    return {"org": asked.slug, "holds": [hold_summary(row) for row in rows[: asked.query.limit]]}


@operation(
    "POST", "/holds/<str:hold>/approve", who=Who.ACTING, body=ApproveBody, answer="run", status=202, conflict=True
)
def approve_hold(asked: Asked) -> dict[str, Any]:
    """Permit exactly these changes and ask for a run that plans afresh; old rows are never sent."""
    body = asked.body
    hold, run = actions.approve_hold(
        hold_id=_known(asked), by=asked.by, reason=body.reason, until=body.until, org=asked.slug, seen=_seen(asked)
    )
    return {**run_summary(run), "approved": hold.hold}


@operation("POST", "/holds/<str:hold>/reject", who=Who.ACTING, body=RejectBody, answer="hold", conflict=True)
def reject_hold(asked: Asked) -> dict[str, Any]:
    """Leave the LMS as it is; the very same changes are not asked about again."""
    hold = actions.reject_hold(
        hold_id=_known(asked), by=asked.by, reason=asked.body.reason, org=asked.slug, seen=_seen(asked)
    )
    return hold_summary(hold)


def _known(asked: Asked) -> str:
    hold = asked.parts["hold"]
    if not HoldRow.objects.filter(organization=asked.place.organization, hold=hold).exists():
        raise missing("hold")
    return hold


def _seen(asked: Asked) -> str | None:
    """The mark of what that run held, if it is said which run was looked at."""
    if asked.body.run is None:
        return None
    rows = HoldRow.objects.filter(organization=asked.place.organization, hold=asked.parts["hold"], run=asked.body.run)
    if not (row := rows.first()):
        raise missing("hold of this run")
    return actions.seen_mark([row])
