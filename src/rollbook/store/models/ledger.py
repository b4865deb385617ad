"""Pointers to the files of each ledger version."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization
from rollbook.store.models.run import Run


class LedgerVersionRow(models.Model):
    """`files` maps kind to blob key; the highest number is current."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="ledger")
    number = models.PositiveIntegerField()
    files = models.JSONField()
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "number"], name="one_ledger_number"),)

    def __str__(self) -> str:
        return f"ledger {self.number}"
