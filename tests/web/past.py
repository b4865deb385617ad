"""Rows as runs leave them behind, for pages about runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from rollbook.roster.lms import KINDS
from rollbook.store.models import HoldRow, Organization, RefusalRow, Run, RunState


def past_run(name: str, *, ago: float = 60, **traits: Any) -> Run:
    """An ended run of `maple`, asked for so many minutes ago."""
    organization = Organization.objects.get(slug=traits.pop("org", "maple"))
    at = timezone.now() - timedelta(minutes=ago)
    given = {"kinds": list(KINDS), "state": RunState.DONE, "requested_by": "test", "result": {}, **traits}
    run = Run.objects.create(id=name, organization=organization, **given)
    ended = at + timedelta(seconds=30) if run.ended else None
    Run.objects.filter(pk=name).update(created_at=at, started_at=at, ended_at=ended)
    run.refresh_from_db()
    return run


def counts(**kinds: dict[str, int]) -> dict[str, Any]:
    """A result with these counts."""
    return {"state": "done", "kinds": kinds}


def hold(run: Run, **traits: Any) -> HoldRow:
    given = {"hold": "h1", "reason": "limit", "kind": "user", "action": "update", "count": 30, "of": 40, **traits}
    return HoldRow.objects.create(organization=run.organization, run=run, **given)


def refusal(key: str, *, kind: str = "user", message: str = "no room", days: float = 3, runs: int = 3) -> RefusalRow:
    return RefusalRow.objects.create(
        organization=Organization.objects.get(slug="maple"), kind=kind, key=key, digest="d", message=message,
        runs=runs, first=timezone.now() - timedelta(days=days),
    )  # fmt: skip
