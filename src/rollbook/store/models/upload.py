"""OneRoster packages that people brought through the browser."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class UploadState(models.TextChoices):
    WAITING = "waiting"
    CHECKING = "checking"
    KEPT = "kept"
    REFUSED = "refused"


class UploadRow(models.Model):
    """`blob` is the stored package; the newest one that is KEPT is what runs read. `report` is what its check found,
    `refused` why nothing was kept. While it is checked, `checked_by` names the worker's claim, `touched_at` when it was
    last seen, `progress` how far it is."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="uploads")
    name = models.TextField()
    blob = models.CharField(max_length=80)
    size = models.PositiveBigIntegerField()
    by = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    refused = models.TextField(default="")
    state = models.CharField(max_length=10, choices=UploadState.choices, default=UploadState.KEPT)
    report = models.JSONField(null=True)
    progress = models.JSONField(null=True)
    checked_by = models.CharField(max_length=40, default="")
    touched_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"upload {self.pk}"
