"""LTI platforms: registering and removing one, the codes with which an LMS registers itself, and launches on their way.
Asks no platform anything."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from rollbook.actions.accounts import token_digest
from rollbook.actions.organizations import find_organization
from rollbook.errors import ConfigError
from rollbook.store.audit import audit
from rollbook.store.models import LaunchCode, LaunchPlatform, LtiLogin, LtiPlatform, Organization

KIND: Final = "lti"
#: From leaving for the platform to coming back; somebody may have to sign in there.
LOGIN_LASTS: Final = timedelta(minutes=10)
#: So long an address with which an LMS registers itself is good.
REGISTRATION_LASTS: Final = timedelta(hours=24)
_LOGIN: Final = "an LTI login"


@dataclass(frozen=True, kw_only=True)
class PlatformValues:
    """What a platform says of itself; addresses were checked by whoever took them. `origins` may show us in frames."""

    name: str
    issuer: str
    client_id: str
    deployments: Sequence[str]
    login_url: str
    keys_url: str
    token_url: str = ""
    profile: str = "other"
    origins: Sequence[str] = ()


def register_platform(*, org: str, values: PlatformValues, by: str, actor: int | None = None) -> LtiPlatform:
    """Let an LMS launch into an organization. `actor` must be its acting user still. Raises ConfigError, also for a
    platform that is registered already."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        check_acting(organization, actor)
        known = LtiPlatform.objects.filter(
            platform__organization=organization, issuer=values.issuer, client_id=values.client_id
        )
        if known.exists():
            raise ConfigError("this LMS is registered already with this client id; remove that registration first")
        platform = LaunchPlatform.objects.create(
            organization=organization, kind=KIND, name=values.name, origins=sorted(set(values.origins)), created_by=by
        )
        found = LtiPlatform.objects.create(
            platform=platform,
            issuer=values.issuer,
            client_id=values.client_id,
            deployments=list(dict.fromkeys(values.deployments)),
            login_url=values.login_url,
            token_url=values.token_url,
            keys_url=values.keys_url,
            profile=values.profile,
        )
        audit(by=by, action="register platform", organization=org, subject=values.name, details=values.issuer)
    return found


def add_deployment(*, org: str, platform: int, deployment: str, by: str, actor: int | None = None) -> None:
    """A platform may launch from one more of its installations. Raises ConfigError."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        check_acting(organization, actor)
        found = LtiPlatform.objects.filter(pk=platform, platform__organization=organization).first()
        if found is None:
            raise ConfigError("this registration was removed already")
        if deployment and deployment not in found.deployments:
            found.deployments = [*found.deployments, deployment]
            found.save(update_fields=["deployments"])
            name = found.platform.name
            audit(by=by, action="add deployment", organization=org, subject=name, details=deployment)


def remove_platform(*, org: str, platform: int, by: str, actor: int | None = None) -> str:
    """It launches no more, and sessions that it launched end. Its name. Raises ConfigError."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        check_acting(organization, actor)
        found = LaunchPlatform.objects.filter(pk=platform, organization=organization).first()
        if found is None:
            raise ConfigError("this registration was removed already")
        name = found.name
        found.delete()
        audit(by=by, action="remove platform", organization=org, subject=name)
    return name


def check_acting(organization: Organization, actor: int | None) -> None:
    """Raises ConfigError when somebody acts who is not the acting user any more."""
    if actor is not None and organization.acting_id != actor:
        raise ConfigError("you are not the acting user any more")


def registration_code(*, org: str, by: str, actor: int) -> str:
    """A code with which one LMS registers itself once; kept nowhere. Good while `actor` is the acting user. Raises
    ConfigError."""
    code = secrets.token_urlsafe(24)
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        check_acting(organization, actor)
        LaunchCode.objects.create(
            digest=token_digest(code),
            organization=organization,
            account_id=actor,
            created_by=by,
            expires_at=timezone.now() + REGISTRATION_LASTS,
        )
        audit(by=by, action="make registration address", organization=org)
    return code


def find_registration(code: str) -> LaunchCode | None:
    """The unused code of a registration; None when there is none, it was used, is too old, or whoever made it is not
    the acting user any more."""
    every = LaunchCode.objects.select_related("organization").filter(digest=token_digest(code), platform=None)
    theirs = every.filter(account=F("organization__acting"), account__is_active=True)
    return theirs.filter(used_at__isnull=True, expires_at__gt=timezone.now()).first()


def use_registration(code: LaunchCode) -> bool:
    """Nobody registers with it again; False where somebody was faster."""
    unused = LaunchCode.objects.filter(pk=code.pk, used_at__isnull=True, expires_at__gt=timezone.now())
    return bool(unused.update(used_at=timezone.now()))


def release_registration(code: LaunchCode) -> None:
    """The registration did not come about, so the code is good for another try."""
    LaunchCode.objects.filter(pk=code.pk).update(used_at=None)


def begin_login(platform: LtiPlatform, *, deployment: str = "") -> tuple[str, str]:
    """State and nonce of a launch that begins now. Anybody can begin one, so nothing is kept: the state says it all,
    signed, of the nonce only the digest."""
    nonce = secrets.token_urlsafe(32)
    return signing.dumps([platform.pk, deployment, token_digest(nonce)], salt=_LOGIN), nonce


def use_login(org: str, state: str) -> LtiLogin | None:
    """The launch that this state began in an organization, used up by this; None when there is none, it is too old, or
    it arrived already: of two that come at once, one gets None."""
    try:
        number, deployment, nonce = signing.loads(state, salt=_LOGIN, max_age=LOGIN_LASTS)
    except signing.BadSignature:
        return None
    every = LtiPlatform.objects.select_related("platform__organization__acting")
    platform = every.filter(pk=number, platform__organization__slug=org).first()
    if platform is None:
        return None
    now = timezone.now()
    used = LtiLogin(state=token_digest(state), nonce=nonce, platform=platform, deployment=deployment, used_at=now)
    used.expires_at = now + LOGIN_LASTS
    try:
        with transaction.atomic():
            used.save(force_insert=True)
    except IntegrityError:  # it arrived already
        return None
    return used


def answers(login: LtiLogin, nonce: str) -> bool:
    """Is this the nonce that went out with the login?"""
    return hmac.compare_digest(login.nonce, token_digest(nonce))
