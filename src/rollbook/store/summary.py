"""What people and scripts are shown of a run, a hold, an organization: plain data without secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from django.db.models import Exists, OuterRef, Q, QuerySet

from rollbook.core.stored import COUNTS, RunFigures
from rollbook.roster.grades import ALL_KINDS
from rollbook.roster.holds import why_held
from rollbook.store.models import HoldRow, HoldState, NoticeRow, NoticeState, PinRow, Run, RunState
from rollbook.store.results import figures_text, part
from rollbook.store.runs import stored_result

_UNDER_WAY: Final = (NoticeState.WAITING, NoticeState.SENDING)


def run_summary(run: Run) -> dict[str, Any]:
    """A run in the shape of docs/reference/schemas/run.json, with all its holds."""
    return _run_summary(run, stored_result(run), run.holds.all())


def run_summaries(runs: QuerySet[Run], *, most: int, holds: int) -> list[dict[str, Any]]:
    """The first `most` runs as `run_summary` has them, each with its first `holds` holds: of thousands of others
    nothing is read."""
    some = {"text": figures_text(), "held": Exists(HoldRow.objects.filter(run=OuterRef("pk")))}
    found = runs.select_related("organization").defer("plan", "result", "figures").annotate(**some)[:most]
    return [
        _run_summary(
            run, part(vars(run)["text"], RunFigures), run.holds.order_by("pk")[:holds] if vars(run)["held"] else ()
        )
        for run in found
    ]


def _run_summary(run: Run, result: RunFigures, holds: Iterable[HoldRow]) -> dict[str, Any]:
    kinds = [kind for kind in ALL_KINDS if kind in run.kinds or kind in result.kinds]
    return {
        "run": run.pk,
        "org": run.organization.slug,
        "state": run.state,
        "dry_run": run.dry_run,
        "blackout": run.blackout or None,
        "river": run.river,
        "kinds": {kind: dict.fromkeys(COUNTS, 0) | result.kinds.get(kind, {}) for kind in kinds},
        "findings": dict(sorted(result.findings.items())),
        "requests": {"sis": 0, "lms": 0} | result.requests,
        "seconds": {stage: round(seconds, 3) for stage, seconds in result.seconds.items()},
        "peak_rss_mib": result.peak_rss_mib,
        "holds": [hold_summary(hold) for hold in holds],
        "refused": {"records": 0, "longest": []} | result.refused,
        "conflicts": result.conflicts,
        "verdicts": result.verdicts,
        "doubts": result.doubts,
        "ledger_version": result.ledger_version,
        "settled": run.settled,
        "applies": run.applies_id,
        "undo_of": run.undo_of_id,
        "schools": run.schools,
        "sections": run.sections,
        "persons": run.persons,
        "requested_by": run.requested_by,
        "created_at": moment(run.created_at),
        "started_at": moment(run.started_at),
        "ended_at": moment(run.ended_at),
        "error": _error(run),
        "place": place_in_queue(run),
        "progress": run.progress,
    }


def place_in_queue(run: Run) -> int | None:
    """1 is the next one to start: queued runs that were asked for earlier come first, as does a running run of the same
    organization. None when the run is not queued."""
    if run.state != RunState.QUEUED:
        return None
    earlier = Q(created_at__lt=run.created_at) | Q(created_at=run.created_at, pk__lt=run.pk)
    ahead = Run.objects.filter(earlier, state=RunState.QUEUED).count()
    own = Run.objects.filter(organization=run.organization_id, state=RunState.RUNNING).count()
    return 1 + ahead + own


def places_in_queue(runs: Collection[Run]) -> dict[str, int]:
    """`place_in_queue` of those that are queued, with one look at the queue for all of them."""
    mine = {run.organization_id for run in runs if run.state == RunState.QUEUED}
    if not mine:
        return {}
    queue = Run.objects.filter(state=RunState.QUEUED).order_by("created_at", "pk").values_list("pk", flat=True)
    at = {run: place for place, run in enumerate(queue, 1)}
    running = Run.objects.filter(state=RunState.RUNNING, organization__in=mine)
    busy = set(running.values_list("organization_id", flat=True))
    return {run.pk: at[run.pk] + (run.organization_id in busy) for run in runs if run.pk in at}


def hold_summary(hold: HoldRow) -> dict[str, Any]:
    """A hold in the shape of docs/reference/schemas/hold.json."""
    return {
        "hold": hold.hold,
        "run": hold.run_id,
        "state": hold.state,
        "reason": hold.reason,
        "kind": hold.kind,
        "action": hold.action,
        "school": hold.school,
        "school_name": hold.school_name or None,
        "count": hold.count,
        "of": hold.of,
        "sentence": why_held(hold.reason, hold.action),
        "by": hold.by or None,
        "why": hold.why or None,
        "until": moment(hold.until),
        "created_at": moment(hold.created_at),
        "decided_at": moment(hold.decided_at),
    }


def pin_summary(pin: PinRow) -> dict[str, Any]:
    """A pin in the shape of docs/reference/schemas/pins.json."""
    return {
        "pin": pin.pk,
        "run": pin.run_id,
        "kind": pin.kind,
        "key": pin.key,
        "field": pin.field or None,
        "value": msgspec.json.decode(pin.value),
        "sis": msgspec.json.decode(pin.sis),
        "school": pin.school,
        "created_at": moment(pin.created_at),
        "until": moment(pin.until),
        "ended_at": moment(pin.ended_at),
        "why": pin.why or None,
    }


def notice_summary(row: NoticeRow) -> dict[str, Any]:
    """A notice in the shape of docs/reference/schemas/notices.json. Of a URL only the host is shown."""
    return {
        "notice": row.pk,
        "run": row.run_id,
        "events": row.events.split(),
        "channel": row.channel,
        "to": row.to if row.channel == "email" else urlsplit(row.to).hostname or "",
        "digest": row.digest,
        "state": row.state,
        "attempts": row.attempts,
        "created_at": moment(row.created_at),
        "next_at": moment(row.next_at) if row.state in _UNDER_WAY else None,
        "sent_at": moment(row.sent_at),
        "error": row.error or None,
    }


def waiting_holds(organization: str) -> list[HoldRow]:
    """What waits for a person in the organization with this slug, oldest first."""
    return list(HoldRow.objects.filter(organization__slug=organization, state=HoldState.WAITING))


def moment(value: datetime | None) -> str | None:
    """ISO 8601 with offset, to the second."""
    return None if value is None else value.isoformat(timespec="seconds")


def _error(run: Run) -> dict[str, str] | None:
    if not run.error:
        return None
    return {"error": run.error_name, "message": run.error, "who": run.error_who}
