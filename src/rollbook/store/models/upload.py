"""OneRoster packages that people brought through the browser."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class UploadRow(models.Model):
    """`blob` is the stored package; the newest one that is not `refused` (with the reason) is what runs read."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="uploads")
    name = models.TextField()
    blob = models.CharField(max_length=80)
    size = models.PositiveBigIntegerField()
    by = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    refused = models.TextField(default="")

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"upload {self.pk}"
