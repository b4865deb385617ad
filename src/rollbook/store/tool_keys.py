"""The key pairs with which Rollbook signs towards LTI platforms: made when first asked for, private keys encrypted by
the key ring. Never gives a private key to anything but a signature."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import transaction
from django.utils import timezone
from jwt.algorithms import RSAAlgorithm

from rollbook.store.locks import hold_keys
from rollbook.store.models import ToolKey
from rollbook.store.secrets import KeyRing

_BITS: Final = 2048
#: Platforms may remember our keys for so long; an older key is shown until then.
SHOWN_ON: Final = timedelta(days=7)


def public_keys(ring: KeyRing) -> list[dict[str, Any]]:
    """Our public keys as JWKs (RFC 7517), newest first."""
    if not ToolKey.objects.exists():
        renew_tool_key(ring)
    return [row.public for row, _until in shown_keys()]


def shown_keys() -> list[tuple[ToolKey, datetime | None]]:
    """The keys that platforms are shown, newest first, each with the moment at which that ends: None for the newest,
    which signs."""
    found: list[tuple[ToolKey, datetime | None]] = []
    until: datetime | None = None
    for row in ToolKey.objects.order_by("-pk"):
        if until is not None and until <= timezone.now():
            break
        found.append((row, until))
        until = row.created_at + SHOWN_ON
    return found


def renew_tool_key(ring: KeyRing) -> ToolKey:
    """Make a key that signs from now on; of the older ones, those go that nobody should remember any more."""
    key = generate_private_key(public_exponent=65537, key_size=_BITS)
    kid = secrets.token_urlsafe(16)
    public = {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "alg": "RS256", "use": "sig"}
    public["key_ops"] = ["verify"]
    with transaction.atomic():
        hold_keys()
        now = timezone.now()
        newest = ToolKey.objects.order_by("-pk").first()
        if newest is not None and newest.created_at < now - SHOWN_ON:  # those before it stopped signing then
            ToolKey.objects.exclude(pk=newest.pk).delete()
        return ToolKey.objects.create(kid=kid, public=public, ciphertext=ring.encrypt(_pem(key)))


def _pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
