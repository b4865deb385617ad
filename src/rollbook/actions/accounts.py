"""Accounts, invitations and the acting user (rule 30)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from rollbook.actions.organizations import find_organization
from rollbook.errors import ConfigError
from rollbook.store.audit import audit
from rollbook.store.models import Account, Invitation, Membership, Organization, Role

INVITATION_DAYS: Final = 7


def account_by(account: Account) -> str:
    """How runs, decisions and the audit call this person."""
    return f"{account.name} ({account.email})" if account.name else account.email


def invite(
    *,
    by: str,
    org: str | None,
    email: str = "",
    name: str = "",
    role: str = Role.ADMINISTRATOR,
    acting: bool = False,
    operator: bool = False,
) -> tuple[Invitation, str]:
    """Make an invitation and its token, which is nowhere kept. Without `org` it makes an operator. Raises ConfigError.

    `acting`: whoever accepts becomes the acting user if the organization has none.
    """
    if role not in Role.values:
        raise ConfigError(f"there is no role {role!r}; there are {', '.join(Role.values)}")
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        organization = find_organization(org) if org is not None else None
        invitation = Invitation.objects.create(
            digest=token_digest(token),
            email=email.strip().lower(),
            name=name.strip(),
            organization=organization,
            role=role,
            acting=acting,
            operator=operator or organization is None,
            created_by=by,
            expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
        )
        audit(by=by, action="invite", organization=org or "", subject=str(invitation.pk), details=role)
    return invitation, token


def find_invitation(token: str) -> Invitation | None:
    """The open invitation of a token; None when there is none, it was used, or is too old."""
    found = Invitation.objects.select_related("organization").filter(digest=token_digest(token))
    return found.filter(used_at__isnull=True, expires_at__gt=timezone.now()).first()


def accept(
    *, token: str, account: Account | None = None, email: str = "", name: str = "", password: str = ""
) -> Account:
    """Use up an invitation: add `account` to its organization, or make a new account first. Raises ConfigError."""
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update(of=("self",)).filter(digest=token_digest(token)).first()
        if invitation is None or find_invitation(token) is None:
            raise ConfigError("this invitation was used already, or is too old; ask for another one")
        account = account or _new_account(invitation, email, name, password)
        if invitation.operator and not account.is_operator:
            account.is_operator = True
            account.save(update_fields=["is_operator"])
        if invitation.organization is not None:
            _join(account, invitation.organization, Role(invitation.role), acting=invitation.acting)
        invitation.used_at, invitation.used_by = timezone.now(), account
        invitation.save(update_fields=["used_at", "used_by"])
        slug = invitation.organization.slug if invitation.organization else ""
        audit(by=account_by(account), action="accept invitation", organization=slug, subject=str(invitation.pk))
    return account


def hand_over(*, org: str, to: int, by: str) -> Organization:
    """Make another system administrator the acting user; `to` is an account's number. Raises ConfigError."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        members = Membership.objects.select_related("account").filter(organization=organization, account_id=to)
        membership = members.filter(role=Role.ADMINISTRATOR, account__is_active=True).first()
        if membership is None:
            raise ConfigError("only a system administrator of this organization can become its acting user")
        organization.acting = membership.account
        organization.save(update_fields=["acting"])
        audit(by=by, action="hand over", organization=org, subject=account_by(membership.account))
    return organization


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _new_account(invitation: Invitation, email: str, name: str, password: str) -> Account:
    email = (invitation.email or email).strip().lower()
    if Account.objects.filter(email=email).exists():
        raise ConfigError("there is an account with this e-mail address; sign in, then open the link again")
    account = Account(email=email, name=name.strip() or invitation.name)
    account.password = make_password(password or None)  # None: cannot be used
    account.save()
    return account


def _join(account: Account, organization: Organization, role: Role, *, acting: bool) -> None:
    Membership.objects.update_or_create(account=account, organization=organization, defaults={"role": role})
    if acting and role == Role.ADMINISTRATOR and organization.acting_id is None:
        organization.acting = account
        organization.save(update_fields=["acting"])
