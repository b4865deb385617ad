"""Small facts that outlive a run."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class FactRow(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="facts")
    name = models.CharField(max_length=200)
    value = models.JSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "name"], name="one_fact"),)

    def __str__(self) -> str:
        return self.name
