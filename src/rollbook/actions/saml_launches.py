"""The App Center's app of an organization: registered and changed; and that each signed launch is used once.

Certificates are kept whatever their dates say: they carry a key that an administrator has registered (ADR 33).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import IntegrityError, transaction
from django.utils import timezone

from rollbook.actions.lti import check_acting
from rollbook.actions.organizations import find_organization
from rollbook.errors import ConfigError
from rollbook.store.audit import audit
from rollbook.store.models import LaunchPlatform, Organization, SamlPlatform, UsedAssertion

KIND: Final = "app-center"
NAME: Final = "Schoology App Center"
#: The vendor's published one has as many, and no launch can be checked without it.
LEAST_BITS: Final = 1024
#: What one would choose today.
GOOD_BITS: Final = 2048
_MOST: Final = 4
_MOST_PEM: Final = 40_000
_ID: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class AppFacts:
    """What an administrator says of the app. `origins` are the sites of `domains`, as a frame names them."""

    certificates: str
    audience: str
    schools: Sequence[str]
    domains: Sequence[str]
    origins: Sequence[str]


def find_app(organization: Organization) -> SamlPlatform | None:
    every = SamlPlatform.objects.select_related("platform__organization__acting")
    return every.filter(platform__organization=organization).first()


def app_by_key(key: str) -> SamlPlatform | None:
    """The app with this launch address."""
    return SamlPlatform.objects.select_related("platform__organization").filter(key=key).first()


def save_app(*, org: str, facts: AppFacts, by: str, actor: int | None = None) -> SamlPlatform:
    """Register the app, or change it; its launch address stays. Raises ConfigError, also when `actor` is not the acting
    user."""
    certificates = "".join(_pem(one) for one in read_certificates(facts.certificates))
    _check(facts)
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        check_acting(organization, actor)
        known = find_app(organization)
        found = known
        if found is None:
            platform = LaunchPlatform(organization=organization, kind=KIND, name=NAME, created_by=by)
            found = SamlPlatform(key=secrets.token_urlsafe(18))
        else:
            platform = found.platform
        platform.origins = list(facts.origins)
        platform.save()
        found.platform = platform
        found.certificates, found.audience = certificates, facts.audience.strip()
        found.schools, found.domains = list(facts.schools), list(facts.domains)
        found.save()
        act = "change platform" if known else "register platform"
        audit(by=by, action=act, organization=org, subject=NAME, details=", ".join(facts.domains))
    return found


def use_assertion(app: SamlPlatform, *, id: str, expires: datetime) -> bool:
    """False when this launch was used before: of two that come at once, one gets True. `expires` is when it is too old
    in any case."""
    digest = hashlib.sha256(f"{app.pk}\n{id}".encode()).hexdigest()
    UsedAssertion.objects.filter(expires_at__lt=timezone.now()).delete()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(digest=digest, expires_at=expires)
    except IntegrityError:
        return False
    return True


def read_certificates(text: str) -> list[x509.Certificate]:
    """Those in a PEM text. Raises ConfigError for none, and for keys that cannot be what is looked for."""
    if "PRIVATE KEY" in text:
        raise ConfigError("this holds a private key; paste only the certificate, and give the key to nobody")
    try:
        found = x509.load_pem_x509_certificates(text.strip().encode("ascii")) if len(text) < _MOST_PEM else []
    except ValueError:
        found = []
    if not 0 < len(found) <= _MOST:
        raise ConfigError(
            "paste the certificate with its lines -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"
        )
    for one in found:
        key = one.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_BITS:
            raise ConfigError(f"the certificate needs an RSA key of at least {LEAST_BITS} bits")
    return found


def is_domain(text: str) -> bool:
    """In small letters; a port may follow."""
    return _DOMAIN.fullmatch(text) is not None


def is_school_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class CertificateFacts:
    """To compare by eye: SHA-256 in hexadecimal, whom it names, the size of its key, and its last day."""

    fingerprint: str
    subject: str
    bits: int
    until: datetime
    is_short: bool
    is_over: bool


def certificate_facts(certificate: x509.Certificate) -> CertificateFacts:
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return CertificateFacts(
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        subject=certificate.subject.rfc4514_string(),
        bits=key.key_size,
        until=certificate.not_valid_after_utc,
        is_short=key.key_size < GOOD_BITS,
        is_over=certificate.not_valid_after_utc < timezone.now(),
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _check(facts: AppFacts) -> None:
    if not facts.schools or not all(is_school_id(one) for one in facts.schools):
        raise ConfigError("the school id in Schoology is a number")
    if not facts.domains or not all(is_domain(one) for one in facts.domains):
        raise ConfigError("a domain looks like maple.schoology.com")
    if len(facts.audience) > 200:
        raise ConfigError("the consumer key is too long")
