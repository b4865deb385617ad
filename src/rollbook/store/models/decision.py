"""What people decided in Data Prep about records of which both systems may have one."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class MatchDecision(models.Model):
    """`key` is the SIS side's key of a `kind`; `choice` is "link" (with the LMS object `lms_id`) or "leave" (that
    object is somebody else's)."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="match_decisions")
    kind = models.CharField(max_length=20)
    key = models.TextField()
    lms_id = models.TextField(default="")
    choice = models.CharField(max_length=10)
    by = models.TextField()
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "kind", "key"], name="one_match_decision"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}: {self.choice}"
