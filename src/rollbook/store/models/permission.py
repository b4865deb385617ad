"""Permissions of teachers: with them an LMS lets Rollbook read the gradebooks that they may read."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.account import Membership


class TeacherPermission(models.Model):
    """What one person gave for one organization; it goes with their membership. `person` is their unique id in the SIS
    at that time, `lms_account` their id in the LMS. `ciphertext` holds the access token with its secret,
    and which LMS and key it is of. `refused_at`: since then the LMS accepts it no more."""

    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="permission")
    person = models.TextField()
    lms_account = models.TextField()
    ciphertext = models.TextField()
    given_at = models.DateTimeField()
    refused_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"permission {self.pk}"


class PermissionRequest(models.Model):
    """A member who was sent to the LMS to agree, for minutes and once. Of its state and of the session that began it,
    only the SHA-256 is kept; `ciphertext` holds the request token with its secret, and the LMS's page. `section` is
    where the member came from. `apart`: they agree in another window, and `answered_at` says that they were there."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="permission_requests")
    digest = models.CharField(max_length=64, unique=True)
    session = models.CharField(max_length=64)
    section = models.TextField(default="", blank=True)
    apart = models.BooleanField(default=False)
    ciphertext = models.TextField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["expires_at"], name="permission_request_expires"),)

    def __str__(self) -> str:
        return f"permission request {self.pk}"
