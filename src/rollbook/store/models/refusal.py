"""Records that the LMS refused, and when they are tried again."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class RefusalRow(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="refusals")
    kind = models.CharField(max_length=20)
    key = models.TextField()
    digest = models.CharField(max_length=128)
    message = models.TextField()
    runs = models.PositiveIntegerField()
    first = models.DateTimeField()
    retry_from = models.DateTimeField(null=True)
    section = models.TextField(null=True)  # of a refused grade

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "kind", "key"], name="one_refusal"),)

    def __str__(self) -> str:
        return f"refusal {self.pk}"
