"""Changes that wait for a person."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization
from rollbook.store.models.run import Run


class HoldState(models.TextChoices):
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    PREVIEW = "preview"


class HoldRow(models.Model):
    """`hold` is the plan's stable id of the hold; `changes` the blob of what is held and `digest` its content's; `by`,
    `why` and `until` are the decision. PREVIEW: another active year would hold it; it waits for nobody (rule 3)."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="holds")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="holds")
    hold = models.CharField(max_length=64)
    reason = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    action = models.CharField(max_length=10)
    school = models.TextField(null=True)  # None is "the whole organization", not an empty name
    count = models.PositiveBigIntegerField()
    of = models.PositiveBigIntegerField()
    school_name = models.TextField(default="")
    changes = models.CharField(max_length=80, default="")
    digest = models.CharField(max_length=64, default="")
    state = models.CharField(max_length=10, choices=HoldState.choices, default=HoldState.WAITING)
    by = models.TextField(default="")
    why = models.TextField(default="")
    until = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (
            models.Index(fields=["organization", "state", "created_at", "id"], name="hold_state"),
            models.Index(fields=["organization", "hold", "decided_at", "state"], name="hold_of_organization"),
            models.Index(fields=["organization", "created_at", "id"], name="hold_newest"),
            models.Index(fields=["organization", "decided_at", "hold", "state"], name="hold_decided"),
            models.Index(fields=["organization", "state", "reason", "id"], name="hold_reason"),
        )
        constraints = (models.UniqueConstraint(fields=["run", "hold"], name="one_hold_a_run"),)

    def __str__(self) -> str:
        return self.hold
