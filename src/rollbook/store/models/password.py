"""Initial passwords, encrypted (rule 14)."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class PasswordRow(models.Model):
    """`label` is "initial": what Rollbook gave, which the person may have changed since."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="passwords")
    key = models.TextField()
    ciphertext = models.TextField()
    label = models.CharField(max_length=20, default="initial")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "key"], name="one_password"),)

    def __str__(self) -> str:
        return f"password {self.pk}"
