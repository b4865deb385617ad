"""Accounts and invitations. What members of an organization may do stands in `rollbook.actions.members`."""

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
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.models import Account, Invitation, Membership, Organization, Role

INVITATION_DAYS: Final = 7
#: Who makes the invitation of the first account.
SET_UP: Final = "set-up"
#: The more a role may do, the further right.
_RISING: Final = (Role.TEACHER, Role.VIEWER, Role.ADMINISTRATOR)


def account_by(account: Account) -> str:
    """How runs, decisions and the audit call this person."""
    if account.is_launched:
        return f"{account.name or 'somebody'} (from a course, account {account.pk})"
    return f"{account.name} ({account.email})" if account.name else account.email


def whom(invitation: Invitation) -> str:
    """How the audit calls an invitation: whom it is for, else its number."""
    return invitation.email or invitation.name or f"invitation {invitation.pk}"


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
        raise ConfigError(
            say("there is no role '%(role)s'; there are %(list)s", role=role, list=", ".join(Role.values))
        )
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
        audit(by=by, action="invite", organization=org or "", subject=whom(invitation), details=role)
    return invitation, token


def set_up_invitation() -> str | None:
    """The token for the very first account, which becomes operator, and acting user too where there is one organization
    without any; None once there is an account. An earlier one does not work any more."""
    with transaction.atomic():
        if Account.objects.exists():
            return None
        Invitation.objects.filter(used_at__isnull=True, created_by=SET_UP).delete()
        only = list(Organization.objects.filter(acting=None)[:2])
        org = only[0].slug if len(only) == 1 else None
        return invite(by=SET_UP, org=org, acting=org is not None, operator=True)[1]


def find_invitation(token: str = "", *, digest: str = "") -> Invitation | None:
    """The open invitation of a token or its digest; None when there is none, it was used, or is too old."""
    found = Invitation.objects.select_related("organization").filter(digest=digest or token_digest(token))
    invitation = found.filter(used_at__isnull=True, expires_at__gt=timezone.now()).first()
    if invitation is not None and invitation.created_by == SET_UP and Account.objects.exists():
        return None  # it was for the first account only
    return invitation


def accept(
    *,
    token: str = "",
    digest: str = "",
    account: Account | None = None,
    email: str = "",
    name: str = "",
    password: str = "",
) -> Account:
    """Use up an invitation: add `account` to its organization, or make a new account first. Raises ConfigError."""
    digest = digest or token_digest(token)
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update(of=("self",)).filter(digest=digest).first()
        if invitation is None or find_invitation(digest=digest) is None:
            raise ConfigError(say("this invitation was used already, or is too old; ask for another one"))
        if account is not None and invitation.email not in ("", account.email):
            raise ConfigError(
                say(
                    "this invitation is for %(email)s; sign out and open it again, or ask for another one",
                    email=invitation.email,
                )
            )
        account = account or _new_account(invitation, email, name, password)
        if invitation.operator and not account.is_operator:
            account.is_operator = True
            account.save(update_fields=["is_operator"])
        if invitation.organization is not None:
            _join(account, invitation.organization, Role(invitation.role), acting=invitation.acting)
        invitation.used_at, invitation.used_by = timezone.now(), account
        invitation.save(update_fields=["used_at", "used_by"])
        slug = invitation.organization.slug if invitation.organization else ""
        audit(by=account_by(account), action="accept invitation", organization=slug, subject=whom(invitation))
    return account


def set_language(*, account: Account, language: str) -> None:
    """The language in which this person sees the pages; empty: what the browser asks for."""
    account.language = language
    account.save(update_fields=["language"])


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _new_account(invitation: Invitation, email: str, name: str, password: str) -> Account:
    email = (invitation.email or email).strip().lower()
    if Account.objects.filter(email=email).exists():
        raise ConfigError(say("there is an account with this e-mail address; sign in, then open the link again"))
    account = Account(email=email, name=name.strip() or invitation.name)
    account.password = make_password(password or None)  # None: cannot be used
    account.save()
    return account


def _join(account: Account, organization: Organization, role: Role, *, acting: bool) -> None:
    """An invitation never takes anything away: who is an administrator stays one."""
    organization = find_organization(organization.slug, lock=True)
    membership = Membership.objects.filter(account=account, organization=organization).first()
    if membership is None:
        Membership.objects.create(account=account, organization=organization, role=role)
    elif _RISING.index(role) > _RISING.index(Role(membership.role)):
        membership.role = role
        membership.save(update_fields=["role"])
    if acting and role == Role.ADMINISTRATOR and organization.acting_id is None:
        organization.acting = account
        organization.save(update_fields=["acting"])
