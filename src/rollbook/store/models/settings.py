"""Every version of an organization's settings, without secrets."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class SettingsVersion(models.Model):
    """`document` is the plain form of `rollbook.roster.settings.Settings`; secret options are not in it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="settings")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    digest = models.CharField(max_length=64)
    saved_at = models.DateTimeField(auto_now_add=True)
    by = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "number"], name="one_settings_number"),)

    def __str__(self) -> str:
        return f"settings {self.number}"
