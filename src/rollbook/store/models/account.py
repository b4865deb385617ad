"""People who sign in, and what they may do where."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from rollbook.store.models.organization import Organization

#: Where accounts have their address that a launch made: nobody gets mail there (RFC 2606).
NO_MAIL = "launched.invalid"


class Role(models.TextChoices):
    """What a person may do in one organization (rules 30 and 31). Only administrators may become acting user."""

    ADMINISTRATOR = "administrator", "System administrator"
    VIEWER = "viewer", "Viewer"
    TEACHER = "teacher", "Teacher"


class Accounts(BaseUserManager["Account"]):
    """How Django's sign-in finds an account: e-mail addresses are kept in small letters."""

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(email=(username or "").strip().lower())


class Account(AbstractBaseUser):
    """Somebody who signs in. `is_operator` may make organizations and see all of them; it gives no right within one."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False)
    language = models.CharField(max_length=10, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Accounts()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.name or f"account {self.pk}"

    @property
    def is_launched(self) -> bool:
        """Was it made by a launch? Then nobody has given it an address or a password."""
        return self.email.endswith(f"@{NO_MAIL}")


class Membership(models.Model):
    """An account's role in one organization. `unique_id` says who the person is in the SIS, by the field that
    `users.unique_id` names: by that, and never by an e-mail address, Rollbook knows the sections that they teach
    (rule 31)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    unique_id = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "organization"], name="one_membership"),
            models.UniqueConstraint(
                fields=["organization", "unique_id"], condition=~models.Q(unique_id=""), name="one_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} in {self.organization_id}: {self.role}"


class RemovedPerson(models.Model):
    """Somebody of the SIS whose membership was ended by a person: a launch from the LMS does not bring them back."""

    organization = models.ForeignKey("store.Organization", on_delete=models.CASCADE, related_name="removed_people")
    unique_id = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "unique_id"], name="removed_once"),)

    def __str__(self) -> str:
        return f"{self.unique_id}, removed from {self.organization_id}"


class Invitation(models.Model):
    """A link that makes an account or adds one to an organization. Only the SHA-256 of its token is kept.

    Without `organization` it makes an operator (the first administrator of an installation)."""

    digest = models.CharField(max_length=64, unique=True)
    email = models.EmailField(default="", blank=True)
    name = models.CharField(max_length=150, default="")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, null=True, related_name="invitations")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.ADMINISTRATOR)
    acting = models.BooleanField(default=False)
    operator = models.BooleanField(default=False)
    created_by = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class ApiToken(models.Model):
    """A key to the JSON API of one organization, with the rights of the account that made it. Only its SHA-256 is
    kept; `hint` are its last letters."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_tokens")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    may_write = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"token {self.pk}"
