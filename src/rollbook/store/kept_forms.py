"""How long what somebody had typed waits for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from rollbook.store.models import KeptForm

KEPT: Final = timedelta(minutes=30)


def forget_old_forms() -> None:
    """Nobody comes back for these any more."""
    KeptForm.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
