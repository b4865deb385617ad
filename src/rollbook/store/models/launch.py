"""Launches: teachers who come from a course of the LMS, over LTI or SAML (rule 31)."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.account import Account
from rollbook.store.models.organization import Organization


class LaunchPlatform(models.Model):
    """An LMS that may launch into one organization. `kind` says over which protocol, whose own values stand in a table
    beside it. `origins`: who may show our pages for teachers in a frame, such as https://app.schoology.com."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="launch_platforms")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=150)
    origins = models.JSONField(default=list)
    created_by = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} platform {self.pk}"


class LaunchCode(models.Model):
    """Opens one thing once, for minutes. Only the SHA-256 of it is kept.

    With `platform`, the pages of `section` for the `account` that it launched; without, the registration of a platform,
    while the `account` that made the code is the acting user."""

    digest = models.CharField(max_length=64, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    platform = models.ForeignKey(LaunchPlatform, on_delete=models.CASCADE, null=True, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, related_name="+")
    section = models.TextField(default="", blank=True)
    created_by = models.TextField(default="", blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["expires_at"], name="launch_code_expires"),)

    def __str__(self) -> str:
        return f"launch code {self.pk}"


class LtiPlatform(models.Model):
    """What an LTI 1.3 platform says of itself (LTI Core 1.3, 3.1). `profile` names what is peculiar to this LMS."""

    platform = models.OneToOneField(LaunchPlatform, on_delete=models.CASCADE, primary_key=True, related_name="lti")
    issuer = models.TextField()
    client_id = models.TextField()
    deployments = models.JSONField(default=list)
    login_url = models.TextField()
    token_url = models.TextField(default="", blank=True)
    keys_url = models.TextField()
    profile = models.CharField(max_length=20, default="other")

    def __str__(self) -> str:
        return f"LTI platform {self.pk}"


class LtiLogin(models.Model):
    """A launch that has arrived, so that it does not again: its state and nonce, of which only the SHA-256 is kept.
    What has only begun is in the signed state, and nowhere here."""

    state = models.CharField(max_length=64, unique=True)
    nonce = models.CharField(max_length=64)
    platform = models.ForeignKey(LtiPlatform, on_delete=models.CASCADE, related_name="logins")
    deployment = models.TextField(default="", blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["expires_at"], name="lti_login_expires"),)

    def __str__(self) -> str:
        return f"LTI login {self.pk}"


class ToolKey(models.Model):
    """A key pair with which Rollbook signs towards platforms; the private key is encrypted. The newest one signs."""

    kid = models.CharField(max_length=64, unique=True)
    ciphertext = models.TextField()
    public = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.kid
