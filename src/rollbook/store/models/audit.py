"""Who did what, when. Plain text without foreign keys, so that it outlives what it tells of."""

from __future__ import annotations

from django.db import models


class AuditRow(models.Model):
    at = models.DateTimeField(auto_now_add=True)
    by = models.TextField()
    organization = models.TextField(default="")
    action = models.CharField(max_length=40)
    subject = models.TextField(default="")
    details = models.TextField(default="")

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
