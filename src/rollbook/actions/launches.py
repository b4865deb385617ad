"""Launches: the account of a teacher who comes from a course of the LMS, and the codes that carry one over to another
window. Who may come is asked before, in `rollbook.web.launches.enter`."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from rollbook.actions.accounts import account_by, token_digest
from rollbook.actions.organizations import find_organization
from rollbook.errors import ConfigError
from rollbook.store.audit import audit
from rollbook.store.models import (
    Account,
    LaunchCode,
    LaunchPlatform,
    LtiLogin,
    Membership,
    Organization,
    RemovedPerson,
    Role,
)
from rollbook.store.models.account import NO_MAIL

#: So long somebody has to open the window that their browser needs.
CODE_LASTS: Final = timedelta(minutes=5)


def join_by_launch(*, platform: LaunchPlatform, unique_id: str, name: str, section: str) -> Account:
    """The account of the person with this unique id, a member of the platform's organization; made as a teacher's where
    there is none. It never gives or takes a right. Raises ConfigError for an account that was closed, and for somebody
    whose membership was ended."""
    with transaction.atomic():
        organization = find_organization(platform.organization.slug, lock=True)
        members = Membership.objects.select_related("account")
        member = members.filter(organization=organization, unique_id=unique_id).first()
        if member is None:
            if RemovedPerson.objects.filter(organization=organization, unique_id=unique_id).exists():
                raise ConfigError("this person's membership was ended")
            member = Membership.objects.create(
                account=_new_account(name), organization=organization, role=Role.TEACHER, unique_id=unique_id
            )
            details = f"new account, {platform.name}"
        else:
            details = platform.name
        if not member.account.is_active:
            raise ConfigError("this account was closed")
        by = account_by(member.account)
        audit(by=by, action="launch", organization=organization.slug, subject=section, details=details)
    return member.account


def note_refused_launch(*, platform: LaunchPlatform, code: str) -> None:
    """A launch that was turned away; who it was is not told, as nothing is proven."""
    with transaction.atomic():
        slug = platform.organization.slug
        audit(by=f"a launch of {platform.name}", action="refuse launch", organization=slug, subject=code)


def launch_code(*, platform: LaunchPlatform, account: Account, section: str) -> str:
    """A code that opens this section for this person once; kept nowhere."""
    forget_old_launches()
    code = secrets.token_urlsafe(32)
    LaunchCode.objects.create(
        digest=token_digest(code),
        organization=platform.organization,
        platform=platform,
        account=account,
        section=section,
        expires_at=timezone.now() + CODE_LASTS,
    )
    return code


def find_launch_code(code: str) -> LaunchCode | None:
    """What an unused code of a person opens; None when there is none, it was used, or is too old."""
    return _open_codes(code).select_related("account", "platform", "organization__acting").first()


def use_launch_code(code: str) -> LaunchCode | None:
    """As `find_launch_code`, and nobody uses it again: of two who come at once, one gets None."""
    found = find_launch_code(code)
    if found is None:
        return None
    # Of this table alone: over a join, PostgreSQL would not look again at a row that somebody else just used.
    unused = LaunchCode.objects.filter(pk=found.pk, used_at__isnull=True)
    return found if unused.update(used_at=timezone.now()) else None


def _open_codes(code: str) -> QuerySet[LaunchCode]:
    every = LaunchCode.objects.filter(digest=token_digest(code), platform__isnull=False, account__is_active=True)
    return every.filter(used_at__isnull=True, expires_at__gt=timezone.now())


def launched_to(code: str) -> Organization | None:
    """The organization of a code, also of one that was used or is too old."""
    found = LaunchCode.objects.select_related("organization").filter(digest=token_digest(code)).first()
    return found.organization if found is not None else None


def forget_old_launches() -> None:
    """What can open nothing any more; a used state is remembered until its launch would be too old anyway. Never when
    somebody merely asks, whom nobody knows."""
    for model in (LaunchCode, LtiLogin):
        model._default_manager.filter(expires_at__lt=timezone.now()).delete()


def _new_account(name: str) -> Account:
    account = Account(email=f"{secrets.token_hex(8)}@{NO_MAIL}", name=name[:150])
    account.set_unusable_password()
    account.save()
    return account
