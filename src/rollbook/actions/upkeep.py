"""Upkeep: collecting garbage. Deletes nothing that a page, an undo or a run still needs."""

from __future__ import annotations

from django.db import transaction

from rollbook.store.audit import audit
from rollbook.store.gc import Collected, collect
from rollbook.store.setup import opened


def collect_garbage(*, by: str, days: int) -> Collected:
    """Drop pointers older than `days`, then files that were unreferenced for a day."""
    found = collect(opened(), days=days)
    with transaction.atomic():
        audit(by=by, action="collect garbage", details=f"{found['deleted']} files")
    return found
