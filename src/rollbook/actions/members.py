"""Members of an organization: their roles, who leaves, and who is the acting user (rule 30)."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from rollbook.actions.accounts import account_by, whom
from rollbook.actions.organizations import find_organization
from rollbook.errors import ConfigError
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.blobs import open_blobs
from rollbook.store.models import Account, Invitation, Membership, Organization, RemovedPerson, Role, TeacherPermission
from rollbook.store.setup import opened
from rollbook.store.teachers import knows_person


def hand_over(*, org: str, to: int, by: str, actor: int | None = None) -> Organization:
    """Make another system administrator the acting user; `to` is an account's number. Raises ConfigError.

    `actor` is the account that hands over: it must be the acting user still. The command line has none."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        _check_acting(organization, actor)
        members = Membership.objects.select_related("account").filter(organization=organization, account_id=to)
        membership = members.filter(role=Role.ADMINISTRATOR, account__is_active=True).first()
        if membership is None:
            raise ConfigError(say("only a system administrator of this organization can become its acting user"))
        organization.acting = membership.account
        organization.save(update_fields=["acting"])
        audit(by=by, action="hand over", organization=org, subject=account_by(membership.account))
    return organization


def change_role(*, org: str, account: int, role: str, by: str, actor: int | None = None) -> Membership:
    """Give a member another role. Raises ConfigError; as `hand_over` for `actor`, who cannot change their own."""
    if role not in Role.values:
        raise ConfigError(
            say("there is no role '%(role)s'; there are %(list)s", role=role, list=", ".join(Role.values))
        )
    with transaction.atomic():
        organization, membership = _member(org, account, actor)
        if membership.role != role:
            details = f"{membership.role} → {role}"
            membership.role = role
            membership.save(update_fields=["role"])
            _without_acting(organization, membership)
            audit(by=by, action="change role", organization=org, subject=_who(membership), details=details)
    return membership


def bind_person(*, org: str, account: int, unique_id: str, by: str, actor: int | None = None) -> Membership:
    """Say who a member is in the SIS: a unique id that Rollbook has synced, "" for nobody. Their sections follow from
    it (rule 31). Raises ConfigError for an id that nobody or another member has, and when `actor` is not the acting
    user; BlobLost."""
    unique_id = unique_id.strip()
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        _check_acting(organization, actor)
        mine = Membership.objects.select_related("account").filter(organization=organization)
        membership = mine.filter(account_id=account).first()
        if membership is None:
            raise ConfigError(say("this person is no member of the organization (any more)"))
        if unique_id and not knows_person(organization.pk, unique_id, open_blobs(opened())):
            raise ConfigError(
                say("Rollbook has synced nobody with this unique id; it is the person's sourcedId in the SIS")
            )
        if unique_id and mine.filter(unique_id=unique_id).exclude(pk=membership.pk).exists():
            raise ConfigError(say("another member has this unique id already"))
        if membership.unique_id != unique_id:
            details = f"{membership.unique_id or 'nobody'} → {unique_id or 'nobody'}"
            membership.unique_id = unique_id
            membership.save(update_fields=["unique_id"])
            RemovedPerson.objects.filter(organization=organization, unique_id=unique_id).delete()
            TeacherPermission.objects.filter(membership=membership).delete()  # who they were gave it
            audit(by=by, action="bind person", organization=org, subject=_who(membership), details=details)
    return membership


def remove_member(*, org: str, account: int, by: str, actor: int | None = None) -> None:
    """End a membership; the account itself stays. An acting user who goes leaves the organization without one, and
    schedules go on. No open invitation and no launch brings the person back. Raises ConfigError, as `change_role`."""
    with transaction.atomic():
        organization, membership = _member(org, account, actor)
        subject = _who(membership)
        role, membership.role = membership.role, ""
        _without_acting(organization, membership)
        membership.account.api_tokens.filter(organization=organization).delete()
        if membership.unique_id:
            RemovedPerson.objects.get_or_create(organization=organization, unique_id=membership.unique_id)
        membership.delete()
        audit(by=by, action="remove member", organization=org, subject=subject, details=role)
        _take_back(organization, membership.account, by)


def deactivate_account(*, account: Account, by: str) -> None:
    """Close an account: it signs in no more, and is a member and operator of nothing. Its name stays in the audit."""
    with transaction.atomic():
        for membership in account.memberships.select_related("organization"):
            remove_member(org=membership.organization.slug, account=account.pk, by=by)
        account.is_active, account.is_operator = False, False
        account.save(update_fields=["is_active", "is_operator"])
        audit(by=by, action="deactivate account", subject=account_by(account))


def note_password_link(*, account: Account, by: str, factors: bool) -> None:
    """Somebody makes a link with which this person chooses a new password; `factors`: and removes second factors."""
    details = "second factors removed" if factors else ""
    with transaction.atomic():
        audit(by=by, action="make password link", subject=account_by(account), details=details)


def revoke_invitation(*, org: str, invitation: int, by: str) -> None:
    """An invitation that was not accepted yet works no more. Raises ConfigError when there is none (any more)."""
    with transaction.atomic():
        found = Invitation.objects.filter(pk=invitation, organization__slug=org, used_at__isnull=True).first()
        if found is None:
            raise ConfigError(say("this invitation was accepted or taken back already"))
        _revoke(found, org, by)


def open_invitations(org: str) -> list[Invitation]:
    """Invitations of an organization that can still be accepted, newest first; at most a hundred."""
    every = Invitation.objects.filter(organization__slug=org, used_at__isnull=True, expires_at__gt=timezone.now())
    return list(every.order_by("-pk")[:100])


def _take_back(organization: Organization, account: Account, by: str) -> None:
    """What would bring this person back: invitations to their address, and those that they made for whoever has the
    link."""
    theirs = Q(email=account.email) | Q(email="", created_by=account_by(account))
    for one in Invitation.objects.filter(theirs, organization=organization, used_at__isnull=True):
        _revoke(one, organization.slug, by)


def _revoke(invitation: Invitation, org: str, by: str) -> None:
    audit(by=by, action="revoke invitation", organization=org, subject=whom(invitation), details=invitation.role)
    invitation.delete()


def find_account(email: str) -> Account:
    """Raises ConfigError."""
    found = Account.objects.filter(email=email.strip().lower()).first()
    if found is None:
        raise ConfigError(say("there is no account with this e-mail address; see: rollbook admin list"))
    return found


def _member(org: str, account: int, actor: int | None) -> tuple[Organization, Membership]:
    organization = find_organization(org, lock=True)
    _check_acting(organization, actor)
    if actor is not None and actor == account:
        raise ConfigError(say("hand over first: you cannot remove yourself or change your own role"))
    found = Membership.objects.select_related("account").filter(organization=organization, account_id=account).first()
    if found is None:
        raise ConfigError(say("this person is no member of the organization (any more)"))
    return organization, found


def _check_acting(organization: Organization, actor: int | None) -> None:
    if actor is not None and organization.acting_id != actor:
        raise ConfigError(say("you are not the acting user any more"))


def _without_acting(organization: Organization, membership: Membership) -> None:
    if organization.acting_id == membership.account_id and membership.role != Role.ADMINISTRATOR:
        organization.acting = None
        organization.save(update_fields=["acting"])


def _who(membership: Membership) -> str:
    return account_by(membership.account)
