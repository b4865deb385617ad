"""The journal's rows: what was about to be sent, and what came of it. Written once, never changed."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.run import Run


class SliceIntent(models.Model):
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="intents")
    plan = models.CharField(max_length=128)
    number = models.PositiveIntegerField()
    first_seq = models.PositiveBigIntegerField()
    last_seq = models.PositiveBigIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "plan", "number"], name="one_intent"),)

    def __str__(self) -> str:
        return f"slice {self.number}"


class SliceOutcome(models.Model):
    """`payload` is compressed JSON of the outcomes in order; `checksum` is the SHA-256 of `payload`. `statuses` says
    how many in a row had which status; rows of earlier releases have none."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="outcomes")
    plan = models.CharField(max_length=128)
    number = models.PositiveIntegerField()
    payload = models.BinaryField()
    checksum = models.CharField(max_length=64)
    statuses = models.JSONField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "plan", "number"], name="one_outcome"),)

    def __str__(self) -> str:
        return f"outcome {self.number}"
