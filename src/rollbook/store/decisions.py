"""What people decided in Data Prep, as runs ask for it."""

from __future__ import annotations

from rollbook.core.protocols import Decision
from rollbook.store.models import MatchDecision


def decisions_of(organization: int) -> list[Decision]:
    """Every decision about people of this organization."""
    rows = MatchDecision.objects.filter(organization=organization, kind="user").order_by("key")
    return [
        Decision(key, choice, tuple(lms_ids.split()))
        for key, choice, lms_ids in rows.values_list("key", "choice", "lms_id")
    ]
