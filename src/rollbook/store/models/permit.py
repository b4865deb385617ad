"""Approvals of exactly the changes that were looked at."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.hold import HoldRow
from rollbook.store.models.organization import Organization


class PermitRow(models.Model):
    """`blob` is Parquet (kind, key, action, digest). Without `until`, one run uses it up."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="permits")
    hold = models.ForeignKey(HoldRow, on_delete=models.CASCADE, related_name="permits")
    blob = models.CharField(max_length=80)
    until = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"permit {self.pk}"
