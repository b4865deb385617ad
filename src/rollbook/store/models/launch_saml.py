"""Launches of Schoology's App Center (SAML 2.0)."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.launch import LaunchPlatform


class SamlPlatform(models.Model):
    """How an App Center signs and names itself. `key` is the secret part of the launch address, `certificates` PEM, one
    or more; `audience` the app's consumer key there; `schools` and `domains` those that a launch must name."""

    platform = models.OneToOneField(LaunchPlatform, on_delete=models.CASCADE, primary_key=True, related_name="saml")
    key = models.CharField(max_length=64, unique=True)
    certificates = models.TextField()
    audience = models.TextField(default="", blank=True)
    schools = models.JSONField(default=list)
    domains = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"SAML platform {self.pk}"


class UsedAssertion(models.Model):
    """A launch that was used: the SHA-256 of its id, kept until it would be too old anyway."""

    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"used assertion {self.pk}"
