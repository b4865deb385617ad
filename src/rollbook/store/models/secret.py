"""Secrets of connections, encrypted."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class Secret(models.Model):
    """`place` is e.g. `sis.secret`; `reference` is what the settings file said, e.g. `${SIS_SECRET}`."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="secrets")
    place = models.CharField(max_length=100)
    ciphertext = models.TextField()
    reference = models.TextField(default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "place"], name="one_secret_a_place"),)

    def __str__(self) -> str:
        return self.place
