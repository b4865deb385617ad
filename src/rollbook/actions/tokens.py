"""Keys to the JSON API: made, looked up, revoked. A token itself is shown once and kept nowhere, only its SHA-256."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from rollbook.actions.accounts import token_digest
from rollbook.actions.organizations import find_organization
from rollbook.errors import ConfigError
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.models import Account, ApiToken

#: So that people, and programs that look for leaked secrets, know what it is.
PREFIX: Final = "rb_"
MOST_DAYS: Final = 3650
#: An organization may have so many tokens that are not revoked.
MOST_TOKENS: Final = 100
_HINT: Final = 4
_USED_EVERY: Final = timedelta(minutes=1)


def make_token(
    *, org: str, account: Account, by: str, name: str, may_write: bool, days: int | None
) -> tuple[ApiToken, str]:
    """A new token with the rights of `account`, and its text. `days` None: it does not expire. Raises ConfigError."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 100:
        raise ConfigError(say("give the token a name of 1 to 100 letters, such as what it is for"))
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise ConfigError(say("a token lasts 1 to %(most)s days", most=MOST_DAYS))
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        there = ApiToken.objects.filter(organization=organization, revoked_at__isnull=True)
        if there.filter(name=name).exists():  # a form that was sent twice makes one token
            raise ConfigError(say("there is a token with this name already; give this one another name"))
        if there.count() >= MOST_TOKENS:
            raise ConfigError(say("there are %(most)s tokens already; revoke those that nobody uses", most=MOST_TOKENS))
        token = ApiToken.objects.create(
            organization=organization,
            account=account,
            name=name,
            digest=token_digest(text),
            hint=text[-_HINT:],
            may_write=may_write,
            expires_at=None if days is None else timezone.now() + timedelta(days=days),
        )
        rights = "may change" if may_write else "reads only"
        audit(by=by, action="make API token", organization=org, subject=f"{name} …{token.hint}", details=rights)
    return token, text


def revoke_token(*, org: str, token: int, by: str) -> ApiToken:
    """From now on it opens nothing. Revoking it again changes nothing. Raises ConfigError."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        found = ApiToken.objects.filter(organization=organization, pk=token).first()
        if found is None:
            raise ConfigError(say("there is no such token"))
        if found.revoked_at is None:
            found.revoked_at = timezone.now()
            found.save(update_fields=["revoked_at"])
            audit(by=by, action="revoke API token", organization=org, subject=f"{found.name} …{found.hint}")
    return found


def find_token(text: str) -> ApiToken | None:
    """The token with this text if it is neither revoked nor expired and its account is active, with its organization
    and account; None for any other. Notes when it was used, at most once a minute."""
    every = ApiToken.objects.select_related("organization__acting", "account")
    now = timezone.now()
    mine = every.filter(digest=token_digest(text), revoked_at__isnull=True, account__is_active=True)
    found = mine.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now)).first()
    if found is not None and (found.used_at is None or found.used_at < now - _USED_EVERY):
        ApiToken.objects.filter(pk=found.pk).update(used_at=now)
    return found
