"""Lifting pins: letting the SIS's values through again after an undo (rule 28)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from rollbook.actions.organizations import find_organization
from rollbook.errors import ConfigError
from rollbook.store.audit import audit
from rollbook.store.models import PinRow


def lift_pins(
    *, org: str, by: str, reason: str, pins: Sequence[int] = (), run_id: str | None = None, everything: bool = False
) -> list[PinRow]:
    """End these pins, those of one undo, or all that hold; the next sync sends what the SIS says. Raises ConfigError
    when a pin does not hold, or none is named."""
    if not by.strip() or not reason.strip():
        raise ConfigError("say who lifts them and why: --by NAME --reason TEXT")
    if not pins and run_id is None and not everything:
        raise ConfigError("say which: pin numbers, --run ID for those of one undo, or --all")
    with transaction.atomic():
        rows = holding_pins(org)
        if run_id is not None:
            rows = [row for row in rows if row.run_id == run_id]
        if pins:
            rows = [row for row in rows if row.pk in set(pins)]
            missing = sorted(set(pins) - {row.pk for row in rows})
            if missing:
                raise ConfigError(f"pin {missing[0]} does not hold (any more) in {org}; see: rollbook pin list {org}")
        if not rows:
            raise ConfigError(f"no such pin holds in {org}; see: rollbook pin list {org}")
        now = timezone.now()
        for row in rows:
            row.ended_at, row.why = now, f"lifted by {by}: {reason}"
        PinRow.objects.bulk_update(rows, ["ended_at", "why"], batch_size=500)
        audit(by=by, action="lift pins", organization=org, subject=_subject(rows), details=reason)
    return rows


def holding_pins(org: str) -> list[PinRow]:
    """Pins of the organization that hold now, the oldest first. Raises ConfigError."""
    found = PinRow.objects.filter(organization=find_organization(org), ended_at__isnull=True, until__gt=timezone.now())
    return list(found)


def _subject(rows: Sequence[PinRow]) -> str:
    shown = ", ".join(str(row.pk) for row in rows[:20])
    return f"{shown} and {len(rows) - 20} more" if len(rows) > 20 else shown
