"""What an undo put back, and keeps so against the SIS until the pin ends (rule 28)."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization
from rollbook.store.models.run import Run


class PinRow(models.Model):
    """`field` empty: the whole link (an enrollment, a guardian) is kept out or in. `value` is what the LMS keeps and
    `sis` what the SIS said then, both as JSON; null is "not there". `why` tells how the pin ended, `ended_run` which
    undo took it back."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="pins")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="pins")
    kind = models.CharField(max_length=20)
    key = models.TextField()
    field = models.CharField(max_length=40, default="")
    value = models.TextField()
    sis = models.TextField()
    school = models.TextField(null=True)  # None is "the whole organization", not an empty name
    created_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_run = models.CharField(max_length=20, default="")
    why = models.TextField(default="")

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=["organization", "ended_at"], name="pins_of_organization"),)
        constraints = (
            models.UniqueConstraint(
                fields=["organization", "kind", "key", "field"],
                condition=models.Q(ended_at__isnull=True),
                name="one_pin_a_field",
            ),
        )

    def __str__(self) -> str:
        return f"pin {self.pk}"
