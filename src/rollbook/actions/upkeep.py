"""Upkeep: collecting garbage, forgetting old passwords. Deletes nothing that a page, an undo or a run still needs."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from rollbook.actions.launches import forget_old_launches
from rollbook.actions.passwords import PASSWORDS_SENT, count_again
from rollbook.actions.teachers import forget_old_looks
from rollbook.store.audit import audit
from rollbook.store.gc import Collected, collect
from rollbook.store.kept_forms import forget_old_forms
from rollbook.store.models import Organization
from rollbook.store.passwords import KEPT_FOR, erase_old_passwords
from rollbook.store.setup import opened
from rollbook.store.turns import forget_old_turns


def collect_garbage(*, by: str, days: int) -> Collected:
    """Drop pointers older than `days`, then files that were unreferenced for a day; and passwords after 90 days."""
    found = collect(opened(), days=days)
    forget_old_turns()
    forget_old_forms()
    forget_old_launches()
    forget_old_looks()
    with transaction.atomic():
        audit(by=by, action="collect garbage", details=f"{found['deleted']} files")
        if erased := erase_old_passwords(timezone.now()):
            for organization in Organization.objects.filter(facts__name=PASSWORDS_SENT):
                count_again(organization)
            audit(by=by, action="erase passwords", details=f"{erased} passwords, more than {KEPT_FOR.days} days old")
    return found
