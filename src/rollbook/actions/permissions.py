"""Permissions of teachers: asking for one, keeping it, taking it back. Nobody gives one for somebody else. Asks no LMS;
tokens are encrypted before they are kept, and stand in no audit row."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import msgspec
from django.db import transaction
from django.utils import timezone

from rollbook.actions.accounts import account_by, token_digest
from rollbook.connectors.gradebook import Consent, RequestToken
from rollbook.errors import ConfigError
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.locks import lock_organization
from rollbook.store.models import Account, Membership, Organization, PermissionRequest, TeacherPermission
from rollbook.store.newest_settings import newest_settings
from rollbook.store.permissions import place_of
from rollbook.store.secrets import KeyRing

#: From leaving for the LMS to coming back; somebody may have to sign in there. An unapproved request is said to be good
#: for an hour.
REQUEST_LASTS: Final = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who asks, from which session (any text that names it) and which section ("" for none), and how they will agree:
    in a window `apart`, or not."""

    organization: Organization
    account: Account
    session: str
    section: str = ""
    apart: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that may still be answered: `page` is where the person agrees."""

    row: PermissionRequest
    token: RequestToken = field(repr=False)
    page: str = field(repr=False)

    def began_in(self, session: str) -> bool:
        """Was it this session that began it?"""
        return bool(session) and secrets.compare_digest(self.row.session, token_digest(session))

    def is_about(self, token: str) -> bool:
        """Does the LMS speak of this request?"""
        return secrets.compare_digest(self.token.token.encode(), token.encode())


def new_state() -> str:
    """What the address has to which the LMS sends somebody back; kept nowhere."""
    return secrets.token_urlsafe(32)


def keep_request(*, asking: Asking, state: str, token: RequestToken, page: str, ring: KeyRing) -> None:
    """Remember that somebody was sent to the LMS; an earlier request of theirs is void. Raises ConfigError for somebody
    who is no member any more."""
    kept = msgspec.json.encode([token.token, token.secret, page]).decode()
    with transaction.atomic():
        membership = _membership(asking.organization, asking.account)
        PermissionRequest.objects.filter(expires_at__lt=timezone.now()).delete()
        PermissionRequest.objects.filter(membership=membership).delete()
        PermissionRequest.objects.create(
            membership=membership,
            digest=token_digest(state),
            session=token_digest(asking.session),
            section=asking.section,
            apart=asking.apart,
            ciphertext=ring.encrypt(kept),
            expires_at=timezone.now() + REQUEST_LASTS,
        )


def find_request(state: str, ring: KeyRing) -> Asked | None:
    """The request with this state; None where there is none, it was used, or is too old."""
    every = PermissionRequest.objects.select_related("membership__account", "membership__organization")
    found = every.filter(digest=token_digest(state), expires_at__gt=timezone.now(), membership__account__is_active=True)
    row = found.first()
    if row is None:
        return None
    token, secret, page = msgspec.json.decode(ring.decrypt(row.ciphertext))
    return Asked(row=row, token=RequestToken(token=token, secret=secret), page=page)


def note_answered(asked: Asked) -> None:
    """The person was on the LMS's page, in another window."""
    PermissionRequest.objects.filter(pk=asked.row.pk).update(answered_at=timezone.now())


def use_request(asked: Asked) -> bool:
    """Nobody uses it again: of two who come at once, one gets False."""
    deleted, _ = PermissionRequest.objects.filter(pk=asked.row.pk).delete()
    return bool(deleted)


def keep_permission(*, asked: Asked, consent: Consent, place: str, ring: KeyRing) -> TeacherPermission:
    """What the person gave, instead of an earlier one; `place` names the LMS and the key it is of (`place_of`). Whether
    it is theirs was checked before. Raises ConfigError where they are no member any more, or somebody else in the SIS,
    and where another LMS or key is asked now."""
    token = consent.token
    before = asked.row.membership
    with transaction.atomic():
        lock_organization(before.organization_id)  # nobody saves settings meanwhile
        membership = _membership(before.organization, before.account)
        if membership.unique_id != before.unique_id:
            raise ConfigError(say("somebody else was entered as who this member is in the SIS; ask again"))
        newest = newest_settings(membership.organization_id)
        if newest is None or place_of(newest[1]) != place:
            raise ConfigError(say("the connection to the LMS was changed meanwhile"))
        row, _ = TeacherPermission.objects.update_or_create(
            membership=membership,
            defaults={
                "person": membership.unique_id,
                "lms_account": token.account,
                "ciphertext": ring.encrypt(msgspec.json.encode([token.token, token.secret, place]).decode()),
                "given_at": timezone.now(),
                "refused_at": None,
            },
        )
        by, slug = account_by(membership.account), membership.organization.slug
        audit(by=by, action="allow gradebooks", organization=slug, subject=membership.unique_id)
    return row


def refuse_permission(asked: Asked) -> None:
    """Somebody else's permission came back; it is not kept, nor is said whose it was."""
    mine = asked.row.membership
    with transaction.atomic():
        by, slug = account_by(mine.account), mine.organization.slug
        audit(by=by, action="refuse permission", organization=slug, subject=mine.unique_id)


def take_permission_back(*, organization: Organization, account: Account) -> bool:
    """Delete what a person gave; False where there was nothing. A run that is under way goes on with what it had when
    it began."""
    with transaction.atomic():
        mine = TeacherPermission.objects.filter(membership__organization=organization, membership__account=account)
        PermissionRequest.objects.filter(membership__organization=organization, membership__account=account).delete()
        row = mine.first()
        if row is None:
            return False
        row.delete()
        by, slug = account_by(account), organization.slug
        audit(by=by, action="take permission back", organization=slug, subject=row.person)
    return True


def _membership(organization: Organization, account: Account) -> Membership:
    members = Membership.objects.select_related("account", "organization")
    found = members.filter(organization=organization, account=account, account__is_active=True).first()
    if found is None or not found.unique_id:
        raise ConfigError(say("nobody has said (any more) who this member is in the SIS"))
    return found
